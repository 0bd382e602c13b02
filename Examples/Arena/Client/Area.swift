public import ArenaModule
public import SpacetimeKit

/// A part of the arena, in the units of places: what somebody hears of.
public struct Area: Equatable, Sendable {
    public var x: ClosedRange<Int32>
    public var y: ClosedRange<Int32>

    /// So many cells around a place, or less at the walls.
    public init(aroundX x: Int32, y: Int32, columns: Int32, rows: Int32) {
        self.x = Self.part(around: x, cells: columns)
        self.y = Self.part(around: y, cells: rows)
    }

    private static func part(around place: Int32, cells: Int32) -> ClosedRange<Int32> {
        let half = cells * Runner.partsOfCell / 2
        return max(0, place - half)...min(Arena.side - 1, place + half)
    }

    public func contains(x: Int32, y: Int32) -> Bool { self.x.contains(x) && self.y.contains(y) }

    /// Who is in it.
    public var runners: Query<Runner> {
        let (left, right, top, bottom) = (x.lowerBound, x.upperBound, y.lowerBound, y.upperBound)
        return Runner.where { $0.x >= left && $0.x <= right && $0.y >= top && $0.y <= bottom }
    }

    public var coins: Query<Coin> {
        let (left, right, top, bottom) = (x.lowerBound, x.upperBound, y.lowerBound, y.upperBound)
        return Coin.where { $0.x >= left && $0.x <= right && $0.y >= top && $0.y <= bottom }
    }
}
