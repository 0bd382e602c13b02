import SpacetimeEngine
import SpacetimeTestSupport

/// Random tables, transactions and clients that come and go: after each step every client's rows of every query are what
/// nested loops over all rows give, and what SQLite gives.
///
/// A client keeps rows as the libraries of clients do: with the number of times that each has come.
struct LiveDriver<Host: LiveHost> {
    struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }

    private struct Watched {
        /// Positions in the pool.
        var queries: [Int]
        /// Nil until the first rows have come.
        var rows: [[[UInt8]: Int]]?
        /// The rows are those of a connection that was lost.
        var isStale = false
    }

    private struct Client {
        var client: Host.Client
        var sets: [UInt32: Watched] = [:]
    }

    /// The result of a query, for the state of its tables.
    private struct Expected {
        var versions: [Int] = []
        var bytes: [[UInt8]: Int] = [:]
        var canonical: [[SQLiteDatabase.Value]] = []
    }

    private var random: RandomValues
    private var model: ModelDatabase
    private let oracle: SQLiteOracle
    private let host: Host
    private let ids: [TableID]
    private let pool: [TestQuery]
    private var clients: [Client] = []
    private var expected: [Expected]
    /// How often each table has changed.
    private var versions: [Int]
    /// (query, commit) pairs for which a maintained result was compared.
    private(set) var pairs = 0
    /// Those among them that the commit changed.
    private(set) var changed = 0
    private(set) var steps = 0
    /// Sets with which clients that came back went on, and those that began anew.
    private(set) var (resumed, renewed) = (0, 0)
    private var seed: UInt64

    /// - Parameter makeHost: a host with tables of these schemas, and their ids.
    init(
        seed: UInt64, tables: Int = 3, queries: Int = 12, _ makeHost: (RandomSchema) throws -> (Host, [TableID])
    ) throws {
        self.seed = seed
        random = RandomValues(seed: seed)
        model = ModelDatabase(RandomSchema(&random, tables: tables))
        (host, ids) = try makeHost(model.schema)
        oracle = try SQLiteOracle(model)
        for _ in 0..<20 {
            let before = model
            let changes = model.randomTransaction(&random)
            try oracle.apply(changes, before: before)
            try host.commit(changes)
        }
        var generator = RandomQueries(model, host.features)
        var pool: [TestQuery] = []
        var known: Set<String> = []
        while pool.count < queries {
            let query = generator.next(&random)
            guard host.supports(query) else { continue }
            // Those that say the same are one query for a host.
            if known.insert(oracle.text(query) ?? "\(query.bound(ids))").inserted { pool.append(query) }
        }
        self.pool = pool
        expected = pool.map { _ in Expected() }
        versions = Array(repeating: 1, count: tables)
        for _ in 0..<3 { clients.append(Client(client: try host.connect())) }
    }

    // MARK: Steps

    mutating func run(commits: Int) throws {
        for _ in 0..<3 { try subscribe() }
        for _ in 0..<commits {
            switch random.below(30) {
            case 0, 1, 2: try subscribe()
            case 3, 4: try unsubscribe()
            case 5 where random.oneIn(4): try replaceClient()
            case 6 where host.remembersClients, 7 where host.remembersClients: try comeBack()
            default: break
            }
            try commit()
            steps += 1
        }
    }

    private mutating func commit() throws {
        try change()
        try pull()
        try compare(isCommit: true)
    }

    private mutating func change() throws {
        let before = model
        let changes = model.randomTransaction(&random)
        try oracle.apply(changes, before: before)
        for table in Set(changes.map(\.table)) { versions[table] += 1 }
        try host.commit(changes)
    }

    private mutating func subscribe() throws {
        let number = random.below(clients.count)
        guard clients[number].sets.count < 6 else { return }
        var set = UInt32(random.below(100))
        while clients[number].sets[set] != nil { set += 1 }
        let queries = Array(pool.indices.shuffled(using: &random).prefix(1 + random.below(4)))
        clients[number].sets[set] = Watched(queries: queries)
        let (client, list) = (clients[number].client, queries.map { pool[$0] })
        let isBusy = random.oneIn(2)
        var problem: (any Error)?
        try client.subscribe(set, to: list) {
            do { if isBusy { try change() } } catch { problem = problem ?? error }
        }
        if let problem { throw problem }
        // Sometimes the first rows are taken together with what changed after them.
        if random.oneIn(3) { return }
        try pull()
        try compare(isCommit: false)
    }

    private mutating func unsubscribe() throws {
        let number = random.below(clients.count)
        guard let set = clients[number].sets.keys.sorted().randomElement(using: &random) else { return }
        try clients[number].client.unsubscribe(set)
        clients[number].sets[set] = nil
    }

    private mutating func replaceClient() throws {
        let number = random.below(clients.count)
        clients[number].client.leave()
        clients[number] = Client(client: try host.connect())
    }

    /// A client loses its connection, and with it what it has not taken yet; others commit, and it comes back.
    private mutating func comeBack() throws {
        let number = random.below(clients.count)
        let old = clients[number].client
        for _ in 0..<random.below(3) { try change() }
        old.leave()
        for _ in 0..<random.below(6) {
            try change()
            // Others go on as before.
            if random.oneIn(3) { try subscribeSomebody(but: number) }
        }
        let client = try host.connect()
        clients[number].client = client
        var sets: [(set: UInt32, queries: [TestQuery], hasRows: Bool)] = []
        for set in clients[number].sets.keys.sorted() {
            guard let watched = clients[number].sets[set] else { continue }
            clients[number].sets[set]?.isStale = watched.rows != nil
            sets.append((set, watched.queries.map { pool[$0] }, watched.rows != nil))
        }
        try client.goOn(from: old, with: sets)
        if random.oneIn(3) { try change() }
        try pull()
        try compare(isCommit: false)
    }

    private mutating func subscribeSomebody(but number: Int) throws {
        let other = (number + 1) % clients.count
        guard clients[other].sets.count < 6, clients[other].sets[200] == nil else { return }
        let query = random.below(pool.count)
        clients[other].sets[200] = Watched(queries: [query])
        try clients[other].client.subscribe(200, to: [pool[query]]) {}
    }

    // MARK: Clients

    private mutating func pull() throws {
        for number in clients.indices {
            for event in try clients[number].client.pull() { try apply(event, number) }
        }
    }

    private mutating func apply(_ event: LiveEvent, _ client: Int) throws {
        switch event {
        case .rows(let set, let rows):
            // It may have been left meanwhile.
            guard let watched = clients[client].sets[set] else { return }
            if watched.rows != nil, !watched.isStale { throw mismatch("set \(set) came twice") }
            if watched.isStale { renewed += 1 }
            clients[client].sets[set]?.isStale = false
            if rows.count != watched.queries.count { throw mismatch("set \(set) has \(rows.count) results") }
            clients[client].sets[set]?.rows = rows.map { rows in
                Dictionary(rows.map { ($0, 1) }, uniquingKeysWith: +)
            }
        case .change(let set, let query, let deletes, let inserts):
            guard let watched = clients[client].sets[set] else { return }
            guard var rows = watched.rows?[query] else { throw mismatch("set \(set) changed before it was there") }
            for row in deletes {
                guard let count = rows[row] else {
                    throw mismatch("a row left that was not there", pool[watched.queries[query]])
                }
                rows[row] = count > 1 ? count - 1 : nil
            }
            for row in inserts { rows[row, default: 0] += 1 }
            clients[client].sets[set]?.rows?[query] = rows
        case .resumed(let set):
            guard let watched = clients[client].sets[set] else { return }
            if !watched.isStale { throw mismatch("set \(set) was resumed, which was not lost") }
            clients[client].sets[set]?.isStale = false
            resumed += 1
        case .endOfCommit: break
        case .failed(let set, let message): throw mismatch("set \(set) failed: \(message)")
        }
    }

    // MARK: Comparing

    private mutating func compare(isCommit: Bool) throws {
        var active: Set<Int> = []
        for client in clients {
            for (set, watched) in client.sets {
                guard let rows = watched.rows, !watched.isStale else { throw mismatch("set \(set) has no rows yet") }
                for (query, rows) in zip(watched.queries, rows) {
                    if active.insert(query).inserted { try evaluate(query, isCommit: isCommit) }
                    try compare(rows, expected[query], pool[query])
                }
            }
        }
        if isCommit { pairs += active.count }
    }

    /// Of queries whose rows have no ties that look different; others may keep either.
    private func compare(_ rows: [[UInt8]: Int], _ expected: Expected, _ query: TestQuery) throws {
        if rows == expected.bytes { return }
        if query.limit != nil || query.offset != nil || query.isDistinct || query.isGrouped {
            let all = rows.flatMap { Array(repeating: $0.key, count: $0.value) }
            let shape = ResultShape(query, model.schema)
            if SQLiteOracle.canonical(try all.map(shape.values)).sortedRows() == expected.canonical { return }
        }
        let missing = expected.bytes.filter { rows[$0.key] != $0.value }
        let extra = rows.filter { expected.bytes[$0.key] != $0.value }
        throw mismatch("rows \(extra) are there, and should be \(missing)", query)
    }

    private mutating func evaluate(_ position: Int, isCommit: Bool) throws {
        let query = pool[position]
        let current = query.sources.map { versions[$0.table] }
        if expected[position].versions == current { return }
        let evaluator = model.evaluator(ids, parameters: query.parameters.map(\.value))
        let result = try evaluator.run(query.bound(ids))
        let canonical = SQLiteOracle.canonical(result).sortedRows()
        if let other = try oracle.run(query), other.sortedRows() != canonical {
            throw mismatch("nested loops give \(canonical), and SQLite \(other)", query)
        }
        let shape = ResultShape(query, model.schema)
        let bytes = Dictionary(result.map { (shape.bytes($0), 1) }, uniquingKeysWith: +)
        if isCommit, bytes != expected[position].bytes { changed += 1 }
        expected[position] = Expected(versions: current, bytes: bytes, canonical: canonical)
    }

    private func mismatch(_ what: String, _ query: TestQuery? = nil) -> Mismatch {
        let text = query.map { oracle.text($0) ?? "\($0.bound(ids))" } ?? ""
        return Mismatch(description: "SPACETIME_SEED=\(seed), step \(steps): \(what) \(text)")
    }
}
