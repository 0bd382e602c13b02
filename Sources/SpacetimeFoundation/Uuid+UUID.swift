public import SpacetimeSATS

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension Uuid {
    /// The same UUID.
    public init(_ uuid: UUID) {
        let bytes = uuid.uuid
        let list = [
            bytes.0, bytes.1, bytes.2, bytes.3, bytes.4, bytes.5, bytes.6, bytes.7, bytes.8, bytes.9, bytes.10,
            bytes.11, bytes.12, bytes.13, bytes.14, bytes.15,
        ]
        self.init(number: list.reduce(0) { $0 << 8 | UInt128($1) })
    }
}

extension UUID {
    /// The same UUID.
    public init(_ uuid: Uuid) {
        func byte(_ position: Int) -> UInt8 { UInt8(truncatingIfNeeded: uuid.number >> (120 - 8 * position)) }
        self.init(
            uuid: (
                byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6), byte(7), byte(8), byte(9), byte(10),
                byte(11), byte(12), byte(13), byte(14), byte(15)
            ))
    }
}
