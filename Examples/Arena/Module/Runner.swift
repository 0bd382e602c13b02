public import SpacetimeKit

/// Somebody in the arena: steered by a player, or wandering by itself.
@Table(.public)
public struct Runner: Equatable {
    @PrimaryKey @AutoIncrement public var id: UInt32
    /// Where it is, in sixteenths of a cell from the arena's top left corner.
    public var x: Int32
    public var y: Int32
    /// Where it is going, in sixteenths of a cell per tick.
    public var dx: Int8
    public var dy: Int8
    public var isSteered: Bool
    public var coins: UInt32

    /// How finely places are told.
    public static let partsOfCell: Int32 = 16
    /// The greatest speed in one direction.
    public static let topSpeed: Int8 = 8

    /// Where it is after a part of a tick, if it goes on. Clients draw it there between two ticks.
    public func place(afterTicks ticks: Double) -> (x: Double, y: Double) {
        let side = Double(Arena.side)
        return (
            min(max(Double(x) + Double(dx) * ticks, 0), side - 1), min(max(Double(y) + Double(dy) * ticks, 0), side - 1)
        )
    }

    /// The cell that it is in: none has two coins.
    public var cell: UInt32 { Arena.cell(x: x, y: y) }

    /// Goes on for a tick, and turns round at the walls.
    mutating func step() {
        (x, dx) = Self.step(x, dx)
        (y, dy) = Self.step(y, dy)
    }

    private static func step(_ place: Int32, _ speed: Int8) -> (Int32, Int8) {
        let next = place + Int32(speed)
        if next < 0 { return (-next, -speed) }
        if next >= Arena.side { return (2 * (Arena.side - 1) - next, -speed) }
        return (next, speed)
    }
}

/// Somebody who plays, and whom they steer.
@Table(.public)
public struct Player: Equatable {
    @PrimaryKey public var identity: Identity
    @Unique public var runner: UInt32
    public var name: String
    /// Over how many connections; nobody steers the runner when there are none.
    public var connections: UInt32
}

/// What the runners are after.
@Table(.public)
public struct Coin: Equatable {
    @PrimaryKey public var id: UInt32
    @Unique public var cell: UInt32
    public var x: Int32
    public var y: Int32
}
