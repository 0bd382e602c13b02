import Testing

@testable import SpacetimeCommand

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Programs that are started without their streams: `spacetimekit start >&-`.
@Suite struct MissingStreamTests {
    @Test func whatIsOpenedNextIsNoStream() async {
        await #expect(processExitsWith: .success) {
            close(0)
            close(1)
            CommandLineProgram.openMissingStreams()
            let file = open("/dev/zero", O_RDWR)
            var byte: UInt8 = 1
            // Nothing is written into it, and nothing is read: it is as if the streams were closed.
            exit(file > 2 && write(1, &byte, 1) < 0 && read(0, &byte, 1) < 0 ? 0 : 1)
        }
    }

    @Test func streamsThatAreThereStay() async {
        await #expect(processExitsWith: .success) {
            // What takes the place of the output can be read only.
            dup2(open("/dev/null", O_RDWR), 1)
            CommandLineProgram.openMissingStreams()
            exit(fcntl(1, F_GETFL) & O_ACCMODE == O_RDWR ? 0 : 1)
        }
    }
}
