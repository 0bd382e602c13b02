import DequeModule

/// Elements that are added behind the last and taken from the front, in pieces of a fixed size: so however many there are, adding
/// one moves no others, and nor does taking one. An array that doubles holds up whoever adds to it for a millisecond now and then
/// once it has some hundred thousand elements.
struct PieceQueue<Element> {
    /// All but the last have ``pieceCount`` elements, those that were taken included.
    private var pieces: Deque<[Element]> = []
    /// Elements of the first piece that were taken.
    private var taken = 0
    private(set) var count = 0

    /// Elements of a piece.
    static var pieceCount: Int { 256 }

    var isEmpty: Bool { count == 0 }

    subscript(position: Int) -> Element {
        _read {
            precondition(position >= 0 && position < count, "there is no element \(position) of \(count)")
            let place = taken + position
            yield pieces[place / Self.pieceCount][place % Self.pieceCount]
        }
        _modify {
            precondition(position >= 0 && position < count, "there is no element \(position) of \(count)")
            let place = taken + position
            yield &pieces[place / Self.pieceCount][place % Self.pieceCount]
        }
    }

    mutating func append(_ element: Element) {
        if let last = pieces.indices.last, pieces[last].count < Self.pieceCount {
            pieces[last].append(element)
        } else {
            pieces.append([element])
        }
        count += 1
    }

    /// Takes the first element; there must be one.
    ///
    /// - Parameter filler: what is put into its place until the piece goes.
    mutating func removeFirst(leaving filler: Element) -> Element {
        precondition(count > 0, "nothing is left in the queue")
        // Moved out, so that no references are counted.
        var element = filler
        swap(&element, &pieces[0][taken])
        taken += 1
        count -= 1
        if count == 0 {
            // That was the last piece, whose memory is kept for what comes next.
            pieces[0].removeAll(keepingCapacity: true)
            taken = 0
        } else if taken == Self.pieceCount {
            pieces.removeFirst()
            taken = 0
        }
        return element
    }

    mutating func removeAll() {
        pieces = []
        taken = 0
        count = 0
    }
}
