import NIOCore
import Synchronization

/// Counts connections by the address that they come from.
final class ConnectionCounter: Sendable {
    /// An address, or the part of it that one person has to himself.
    struct Origin: Hashable, Sendable {
        fileprivate let network: UInt64
        fileprivate let isIPv6: Bool
        let isLoopback: Bool

        /// Nil if the address is none of a network.
        init?(_ address: SocketAddress?) {
            // Where the bytes lie in what the system calls `sockaddr_in` and `sockaddr_in6`.
            switch address {
            case .v4: self.init(v4: Self.bytes(of: address, at: 4, count: 4))
            case .v6:
                let bytes = Self.bytes(of: address, at: 8, count: 16)
                // An IPv4 address in the clothes of IPv6.
                if bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] {
                    self.init(v4: Array(bytes.suffix(4)))
                } else {
                    self.init(v6: bytes)
                }
            case .unixDomainSocket, nil: return nil
            }
        }

        private static func bytes(of address: SocketAddress?, at offset: Int, count: Int) -> [UInt8] {
            guard let address else { return [] }
            return address.withSockAddr { start, size in
                guard size >= offset + count else { return [] }
                return Array(UnsafeRawBufferPointer(start: UnsafeRawPointer(start) + offset, count: count))
            }
        }

        private init(v4 bytes: [UInt8]) {
            network = bytes.reduce(0) { $0 << 8 | UInt64($1) }
            isIPv6 = false
            isLoopback = bytes.first == 127
        }

        private init(v6 bytes: [UInt8]) {
            // Whoever has an IPv6 address has the 2⁶⁴ beside it as well.
            network = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            isIPv6 = true
            isLoopback = bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
        }
    }

    private let counts = Mutex<[Origin: Int]>([:])
    private let limit: Int?
    private let countsLoopback: Bool

    init(_ policy: LimitPolicy) {
        limit = policy.connectionsPerAddress
        countsLoopback = policy.countsLoopback
    }

    /// Counts a connection.
    ///
    /// - Returns: false if there are too many. Then it was not counted.
    func enter(_ origin: Origin?) -> Bool {
        guard let origin, isCounted(origin), let limit else { return true }
        return counts.withLock { counts in
            let count = counts[origin, default: 0]
            guard count < limit else { return false }
            counts[origin] = count + 1
            return true
        }
    }

    /// A connection that was counted has ended.
    func leave(_ origin: Origin?) {
        guard let origin, isCounted(origin), limit != nil else { return }
        counts.withLock { counts in
            guard let count = counts[origin] else { return }
            counts[origin] = count > 1 ? count - 1 : nil
        }
    }

    private func isCounted(_ origin: Origin) -> Bool { countsLoopback || !origin.isLoopback }

    /// How many addresses have connections that count.
    var originCount: Int { counts.withLock { $0.count } }
}
