/// How much data the benchmarks work on.
struct Sizes {
    /// Rows of the item table.
    var rows: Int
    var accounts = 100_000
    /// Pairs of accounts drawn before the transfers; used over and over.
    var pairs = 10_000_000
    var transfersPerPass = 100_000
    var findsPerPass = 100_000
    var rangesPerPass = 1_000
    var callsPerPass = 100_000
    var databasesPerPass = 100
    var durableTransfersPerPass = 640
    /// Transfers in the log that the benchmark of recovery replays.
    var replayedTransfers = 1_000_000
    /// Rows of the large database that is restarted, or watched while it is written and read: a gigabyte by default.
    var wideRows = (1 << 30) / WideRows.byteCount
    /// Rows of the region that is restarted.
    var regionRows = 25_000_000
    var crashPoints = 10_000
    /// Bytes of rows that live while others come and go, and how often their size changes.
    var churnedByteCount = 64 << 20
    var churnPhases = 20

    /// How many subscriptions there are beside a commit.
    var subscriptions = [1, 1_000, 100_000, 1_000_000]

    /// Rows of the tables that live windows and aggregates follow.
    var followedRows = [1_000, 10_000_000]

    /// Rows that the benchmark of single inserts adds: each is a transaction, so fewer will do.
    var singleInserts: Int { min(rows, 100_000) }

    /// Rows of the item table where it is restarted.
    var recoveredItems: Int { min(rows, 1_000_000) }

    static func standard(rows: Int?) -> Sizes {
        var sizes = Sizes(rows: rows ?? 1_000_000)
        if let rows {
            sizes.wideRows = rows
            sizes.followedRows = [1_000, rows]
        }
        return sizes
    }

    /// Small enough that all benchmarks together take seconds, for CI.
    static func tiny(rows: Int?) -> Sizes {
        Sizes(
            rows: rows ?? 2_000, accounts: 1_000, pairs: 10_000, transfersPerPass: 500, findsPerPass: 500,
            rangesPerPass: 20,
            callsPerPass: 500, databasesPerPass: 3, durableTransfersPerPass: 64, replayedTransfers: 2_000,
            wideRows: rows ?? 10_000, regionRows: 5_000, crashPoints: 100, churnedByteCount: 1 << 20, churnPhases: 6,
            subscriptions: [1, 50], followedRows: [100, 2_000])
    }
}
