public import ArenaModule
public import SpacetimeClientKit

/// Somebody at the arena: a runner to steer, and a part of the arena around it that is kept up to date.
///
/// It belongs to the loop that calls ``frame()``.
public final class Visitor {
    private let client: DatabaseClient
    private let columns: Int32
    private let rows: Int32
    /// What is subscribed to, the newest last. The one before is left when the newest has come, so nothing is missing between.
    private var areas: [(area: Area, subscription: ClientSubscription)] = []
    /// The player, and then the runner, who are heard of wherever they are.
    private var known: [ClientSubscription] = []
    /// The own runner, as far as is known.
    public private(set) var runner: Runner?
    /// How often another area was asked for.
    public private(set) var moves = 0

    /// Somebody who sees at least so many cells.
    ///
    /// - Parameter client: with `options.delivery` set to `.onFrameTick`.
    public init(_ client: DatabaseClient, columns: Int32, rows: Int32) {
        self.client = client
        // A little more than is seen, so that not every step asks for another area.
        (self.columns, self.rows) = (columns + 2 * Self.margin, rows + 2 * Self.margin)
    }

    /// How many cells beyond what is seen are heard of.
    private static let margin: Int32 = 8

    /// The area that is heard of; nil before there is one.
    public var area: Area? { areas.last?.area }

    /// Takes part. What the server says arrives with the frames.
    public func join(as name: String) throws {
        guard let identity = client.identity else { return }
        try client.post(Arena.join, name)
        known.append(try client.beginSubscribing(Player.where { $0.identity == identity }))
    }

    /// Turns the runner: here at once, by the reducer's own code, and for the others when the server has.
    ///
    /// - Parameter answered: is called in the frame in which the server's answer is applied.
    public func steer(dx: Int8, dy: Int8, answered: (@Sendable () -> Void)? = nil) throws {
        try client.post(predicting: Arena.steer, dx, dy) { _ in answered?() }
    }

    /// Applies what has arrived, and follows the runner to where it has gone.
    public func frame() throws {
        client.frameTick()
        guard let identity = client.identity, let player = try client.table(Player.self).find(identity) else { return }
        if known.count == 1 {
            let id = player.runner
            known.append(try client.beginSubscribing(Runner.where { $0.id == id }))
        }
        runner = try client.table(Runner.self).find(player.runner)
        guard let runner else { return }
        while areas.count > 1, case .active = areas[areas.count - 1].subscription.state {
            areas.removeFirst().subscription.cancel()
        }
        if areas.count < 2, isNearTheEdge(runner) { try follow(runner) }
    }

    private func follow(_ runner: Runner) throws {
        let area = Area(aroundX: runner.x, y: runner.y, columns: columns, rows: rows)
        if area == self.area { return }
        moves += 1
        areas.append((area, try client.beginSubscribing(area.runners, area.coins)))
    }

    private func isNearTheEdge(_ runner: Runner) -> Bool {
        guard let area else { return true }
        // At a wall there is nothing beyond.
        let inner = Area(aroundX: runner.x, y: runner.y, columns: columns - Self.margin, rows: rows - Self.margin)
        return
            !(area.x.contains(inner.x.lowerBound) && area.x.contains(inner.x.upperBound)
            && area.y.contains(inner.y.lowerBound) && area.y.contains(inner.y.upperBound))
    }

    /// The runners and coins that are known.
    public func seen() throws -> (runners: [Runner], coins: [Coin]) {
        (try client.table(Runner.self).rows(), try client.table(Coin.self).rows())
    }
}
