public import ArenaModule

/// A part of the arena as lines of characters: a cell each.
public struct Picture: Equatable {
    public let columns: Int
    public let rows: Int
    /// Line by line, from the top left.
    public private(set) var characters: [Character]

    /// What is around a runner.
    ///
    /// - Parameters:
    ///   - ticks: the part of a tick that has passed since the places were told: everybody is drawn where they have come to.
    public init(
        around own: Runner, runners: [Runner], coins: [Coin], columns: Int, rows: Int, afterTicks ticks: Double = 0
    ) {
        (self.columns, self.rows) = (columns, rows)
        characters = Array(repeating: " ", count: columns * rows)
        let part = Double(Runner.partsOfCell)
        let (x, y) = own.place(afterTicks: ticks)
        let (left, top) = (Int(x / part) - columns / 2, Int(y / part) - rows / 2)
        let cells = Int(Arena.cells)
        for row in 0..<rows {
            for column in 0..<columns where !(0..<cells ~= left + column && 0..<cells ~= top + row) {
                characters[row * columns + column] = "░"
            }
        }
        func put(_ character: Character, _ x: Double, _ y: Double) {
            let (column, row) = (Int(x / part) - left, Int(y / part) - top)
            guard 0..<columns ~= column, 0..<rows ~= row else { return }
            characters[row * columns + column] = character
        }
        for coin in coins { put("·", Double(coin.x), Double(coin.y)) }
        for runner in runners where runner.id != own.id {
            let place = runner.place(afterTicks: ticks)
            put(runner.isSteered ? "O" : "o", place.x, place.y)
        }
        put("@", x, y)
    }

    public var lines: [String] {
        (0..<rows).map { row in String(characters[row * columns..<(row + 1) * columns]) }
    }
}
