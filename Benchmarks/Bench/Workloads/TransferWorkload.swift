import BenchHarness

/// Money moves between accounts that are drawn uniformly, two different ones at a time.
final class TransferWorkload {
    struct Pair {
        var from: UInt32
        var to: UInt32
    }

    static let initialBalance: Int64 = 1_000_000_000
    static let amount: Int64 = 1

    let accounts: Int
    let transfersPerPass: Int
    private let pairs: [Pair]

    init(_ sizes: Sizes) {
        accounts = sizes.accounts
        transfersPerPass = sizes.transfersPerPass
        var random = Mulberry32(seed: 0x1234_5678)
        let bound = UInt32(sizes.accounts)
        pairs = (0..<sizes.pairs).map { _ in
            let from = random.next(below: bound)
            var to = random.next(below: bound)
            var redraws = 0
            while to == from, redraws < 32 {
                to = random.next(below: bound)
                redraws += 1
            }
            return Pair(from: from, to: to)
        }
    }

    /// The pairs of a pass; passes go round.
    func pairs(pass: Int) -> ArraySlice<Pair> {
        let passes = pairs.count / transfersPerPass
        let start = pass % passes * transfersPerPass
        return pairs[start..<start + transfersPerPass]
    }
}

/// Why a transfer does not happen; the same rules in every system.
enum TransferError: Error { case sameAccount, amountNotPositive, noSuchAccount, insufficientFunds }
