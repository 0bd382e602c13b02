/// A text by its bytes.
///
/// Strings that Swift holds equal may be two texts to a database, as é in one scalar and in two: what was made of one must not be
/// found by the other.
struct ExactText: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactText, right: ExactText) -> Bool {
        let (one, other) = (left.text.utf8, right.text.utf8)
        return one.count == other.count && one.elementsEqual(other)
    }

    func hash(into hasher: inout Hasher) {
        let isDone: Void? = text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        // Only strings of other frameworks have their bytes elsewhere.
        if isDone == nil { for byte in text.utf8 { hasher.combine(byte) } }
    }
}
