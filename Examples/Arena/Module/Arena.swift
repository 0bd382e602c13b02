public import SpacetimeKit

/// A place where runners collect coins. It goes on by ticks, of which the server makes twenty a second.
@Module
public enum Arena {
    public static let tables = Tables(Runner.self, Player.self, Coin.self)

    /// How many cells the arena has in each direction, and its length in the units of places.
    public static let cells: Int32 = 512
    public static let side = cells * Runner.partsOfCell
    public static let ticksPerSecond = 20

    /// Brings the number of runners and of coins to these: what is missing is put somewhere.
    @Reducer(.private)
    public static func populate(_ context: borrowing Context, runners: UInt32, coins: UInt32) throws {
        while context.db.runner.count < Int(runners) { try context.db.runner.insert(newcomer(context)) }
        // Several are never in one cell, so not all cells can have one.
        for id in 0..<min(coins, UInt32(cells * cells / 2)) where !context.db.coin.id.contains(id) {
            try context.db.coin.insert(coin(id, context))
        }
    }

    /// Everybody goes on, and takes the coin of the cell that they come to.
    @Reducer(.private)
    public static func tick(_ context: borrowing Context) throws {
        for var runner in context.db.runner.rows {
            if !runner.isSteered, Int.random(in: 0..<60, using: &context.random) == 0 { turn(&runner, context) }
            let before = runner
            runner.step()
            if let coin = context.db.coin.cell.find(runner.cell) {
                runner.coins += 1
                try context.db.coin.update(Self.coin(coin.id, context))
            }
            // Who stands still is not told of.
            if runner != before { try context.db.runner.update(runner) }
        }
    }

    /// Takes part, with a runner that nobody else steers. Who was here before gets back their own.
    @Reducer
    public static func join(_ context: borrowing Context, name: String) throws {
        guard !name.isEmpty, name.utf8.count <= 24 else { throw SenderError("a name has 1 to 24 bytes") }
        if var player = context.db.player.identity.find(context.sender) {
            player.name = name
            return try context.db.player.update(player)
        }
        var runner = newcomer(context)
        (runner.isSteered, runner.dx, runner.dy) = (true, 0, 0)
        runner = try context.db.runner.insert(runner)
        try context.db.player.insert(
            Player(identity: context.sender, runner: runner.id, name: name, connections: 1))
    }

    /// Turns the caller's runner. Clients run it themselves before the server has, so it may depend on nothing but what they see.
    @Reducer(rate: .perSecond(30, burst: 60))
    public static func steer(_ context: borrowing Context, dx: Int8, dy: Int8) throws {
        let speeds = -Runner.topSpeed...Runner.topSpeed
        guard speeds.contains(dx), speeds.contains(dy) else {
            throw SenderError("nobody is faster than \(Runner.topSpeed) in one direction")
        }
        guard let player = context.db.player.identity.find(context.sender) else { throw SenderError("join first") }
        try context.db.runner.id.update(player.runner) { runner in (runner.dx, runner.dy) = (dx, dy) }
    }

    @Reducer(.clientConnected)
    public static func connected(_ context: borrowing Context) throws {
        guard var player = context.db.player.identity.find(context.sender) else { return }
        player.connections += 1
        try context.db.player.update(player)
        try context.db.runner.id.update(player.runner) { $0.isSteered = true }
    }

    /// The runner of who has gone wanders on.
    @Reducer(.clientDisconnected)
    public static func disconnected(_ context: borrowing Context) throws {
        guard var player = context.db.player.identity.find(context.sender) else { return }
        player.connections -= min(player.connections, 1)
        try context.db.player.update(player)
        if player.connections == 0 { try context.db.runner.id.update(player.runner) { $0.isSteered = false } }
    }

    static func cell(x: Int32, y: Int32) -> UInt32 {
        UInt32((y / Runner.partsOfCell) * cells + x / Runner.partsOfCell)
    }

    private static func newcomer(_ context: borrowing Context) -> Runner {
        var runner = Runner(
            id: 0, x: .random(in: 0..<side, using: &context.random), y: .random(in: 0..<side, using: &context.random),
            dx: 0, dy: 0, isSteered: false, coins: 0)
        turn(&runner, context)
        return runner
    }

    private static func turn(_ runner: inout Runner, _ context: borrowing Context) {
        repeat {
            runner.dx = .random(in: -4...4, using: &context.random)
            runner.dy = .random(in: -4...4, using: &context.random)
        } while runner.dx == 0 && runner.dy == 0
    }

    /// A coin in a cell that has none.
    private static func coin(_ id: UInt32, _ context: borrowing Context) -> Coin {
        while true {
            let (column, row) = (
                Int32.random(in: 0..<cells, using: &context.random), Int32.random(in: 0..<cells, using: &context.random)
            )
            let half = Runner.partsOfCell / 2
            let coin = Coin(
                id: id, cell: UInt32(row * cells + column), x: column * Runner.partsOfCell + half,
                y: row * Runner.partsOfCell + half)
            if !context.db.coin.cell.contains(coin.cell) { return coin }
        }
    }
}
