import SpacetimeDurability

@testable import SpacetimeCommand

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A terminal whose keys a test presses, and whose screen it reads.
final class PseudoTerminal {
    private let test: Int32
    private let command: Int32
    /// The path by which other processes open it.
    let name: String
    /// What was written, as far as it was not waited for yet.
    private var unread = ""

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(columns: UInt16 = 80) throws {
        #if os(Linux)
        // What `posix_openpt` and the others do, which are not among the functions that Swift is shown of the C library.
        test = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var lock: Int32 = 0
        var number: UInt32 = 0
        guard test >= 0, ioctl(test, 0x4004_5431, &lock) == 0, ioctl(test, 0x8004_5430, &number) == 0 else {
            throw Failure(description: "there is no pseudo-terminal")
        }
        name = "/dev/pts/\(number)"
        #else
        test = posix_openpt(O_RDWR | O_NOCTTY)
        guard test >= 0, grantpt(test) == 0, unlockpt(test) == 0, let path = ptsname(test) else {
            throw Failure(description: "there is no pseudo-terminal")
        }
        name = String(cString: path)
        #endif
        command = open(name, O_RDWR | O_NOCTTY)
        guard command >= 0 else { throw Failure(description: "the pseudo-terminal cannot be opened") }
        var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(command, UInt(TIOCSWINSZ), &size)
    }

    deinit {
        close(test)
        close(command)
    }

    /// What a command has of it.
    var terminal: SystemTerminal { SystemTerminal(input: command, output: command, errors: command) }

    /// Whether what is typed is shown, as when no command edits lines.
    var echoes: Bool {
        var state = termios()
        return tcgetattr(command, &state) == 0 && state.c_lflag & tcflag_t(ECHO) != 0
    }

    /// Presses keys.
    func send(_ keys: String) {
        var bytes = Array(keys.utf8)
        _ = write(test, &bytes, bytes.count)
    }

    /// Waits until a text is on the screen, behind what was waited for before.
    ///
    /// - Returns: what came before it, and itself.
    @discardableResult
    func expect(_ text: String) async throws -> String {
        while true {
            if let range = unread.firstRange(of: text) {
                let seen = String(unread[..<range.upperBound])
                unread = String(unread[range.upperBound...])
                return seen
            }
            let test = test
            let piece = await suspendingAside { () -> [UInt8] in
                // Longer than all tests together take.
                var wanted = pollfd(fd: test, events: Int16(POLLIN), revents: 0)
                guard poll(&wanted, 1, 600_000) > 0 else { return [] }
                var bytes = [UInt8](repeating: 0, count: 4_096)
                let count = read(test, &bytes, bytes.count)
                return Array(bytes.prefix(max(0, count)))
            }
            guard !piece.isEmpty else {
                throw Failure(description: "'\(text)' did not come; the screen has \(unread.debugDescription)")
            }
            unread += String(decoding: piece, as: UTF8.self)
        }
    }
}
