import CCRC32C
import Testing

@testable import SpacetimeDurability

@Suite struct ChecksumTests {
    /// RFC 3720, appendix B.4, and the check value that catalogues of checksums give.
    static let vectors: [([UInt8], UInt32)] = [
        (Array("123456789".utf8), 0xE306_9283), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0...31), 0x46DD_794E),
    ]

    @Test(arguments: vectors)
    func knownVectors(_ bytes: [UInt8], _ expected: UInt32) {
        #expect(crc32c(bytes.span.bytes) == expected)
        #expect(bytes.withUnsafeBytes { spacetime_crc32c_portable(0, $0.baseAddress, $0.count) } == expected)
    }

    @Test func theInstructionAndTheTablesAgreeAtEveryLength() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        for count in bytes.indices {
            let portable = bytes.withUnsafeBytes { spacetime_crc32c_portable(0, $0.baseAddress, count) }
            #expect(crc32c(bytes.span.bytes.extracting(..<count)) == portable)
        }
    }

    @Test func aChecksumContinues() {
        let bytes = Array("123456789".utf8)
        let head = crc32c(bytes.span.bytes.extracting(..<4))
        #expect(crc32c(bytes.span.bytes.extracting(4...), continuing: head) == 0xE306_9283)
    }
}
