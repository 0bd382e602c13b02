public import SpacetimeKit
public import SpacetimeWASM

/// Two databases in one process: fighters in Swift, and their money in a module in Rust that knows nothing of this package.
///
/// Each has its own tables, its own lock and, if asked for, its own files. What a client may do in one says nothing about the
/// other; but a client has the same identity in both, by which the rows of one speak of those of the other.
public final class Game: Sendable {
    public let arena: Database<Arena>
    public let bank: Database<DynamicModule>

    /// Opens both in memory.
    ///
    /// - Parameter module: the bank, in WebAssembly.
    public init(bank module: WASMModule) throws {
        arena = try Database.open(.inMemory, module: Arena.self)
        bank = try Database.open(.inMemory, module: module)
    }

    /// Money comes in: on behalf of the bank's owner, who this program is.
    public func deposit(_ amount: UInt64, to player: Player) throws {
        try bank.call("deposit", arguments: player.identity.bsatn() + amount.bsatn())
    }

    /// What everybody has. Tables of a module in WebAssembly are read with SQL.
    public func balances() throws -> [Identity: UInt64] {
        let result = try bank.sql("SELECT owner, balance FROM account")
        let owners = try result.values(of: "owner", as: Identity.self)
        let balances = try result.values(of: "balance", as: UInt64.self)
        return Dictionary(uniqueKeysWithValues: zip(owners, balances))
    }
}

/// One client of both databases.
public final class Player: Sendable {
    private let arena: Connection<Arena>
    private let bank: Connection<DynamicModule>

    public var identity: Identity { arena.identity }

    /// Connects to both, and gets a place in the arena and an account at the bank.
    public init(_ name: String, in game: Game) throws {
        arena = try game.arena.connect(as: name)
        bank = try game.bank.connect(as: name)
        try arena.call(Arena.enter, name)
        try bank.call("open", arguments: [])
    }

    /// Loses a fight: pays, and is noted as the loser. Who cannot pay has not fought: the bank's refusal, a text from Rust,
    /// comes here as the same error that a Swift reducer throws.
    public func lose(to winner: Player, stake: UInt64) throws {
        try bank.call("pay", arguments: winner.identity.bsatn() + stake.bsatn())
        try arena.call(Arena.lose, winner.identity, stake)
    }

    /// What the player has, as a client of the bank sees it.
    public func balance() throws -> UInt64 {
        try bank.sql("SELECT balance FROM account WHERE owner = :sender").values(of: "balance", as: UInt64.self).first
            ?? 0
    }

    /// Calls a closure with every duel that the player has won, and will win.
    @discardableResult
    public func onVictory(_ body: @escaping @Sendable (Duel) -> Void) throws -> QueryObserver {
        let identity = identity
        return try arena.subscribe(Duel.where { $0.winner == identity }, onChange: { $0.inserted.forEach(body) })
    }

    /// Leaves both.
    public func leave() throws {
        try arena.disconnect()
        try bank.disconnect()
    }
}
