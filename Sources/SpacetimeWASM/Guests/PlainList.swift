/// A list of plain values in memory of its own.
///
/// A guest's every call goes through a few of these. An array would be asked each time whether somebody else has it, too.
///
/// `@safe`: it owns the memory, of which the first ``count`` values are set.
@safe
struct PlainList<Element: BitwiseCopyable>: ~Copyable {
    private var start: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init() {
        capacity = 8
        unsafe start = .allocate(capacity: capacity)
    }

    deinit { unsafe start.deallocate() }

    var isEmpty: Bool { count == 0 }

    /// Whether there is something at a position, which may be any number.
    @inline(__always)
    func has(_ position: Int) -> Bool { position >= 0 && position < count }

    @inline(__always)
    subscript(position: Int) -> Element {
        get {
            precondition(has(position), "a list ends before that")
            return unsafe start[position]
        }
        nonmutating _modify {
            precondition(has(position), "a list ends before that")
            yield unsafe &start[position]
        }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow() }
        unsafe (start + count).initialize(to: element)
        count += 1
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
        unsafe larger.update(from: start, count: count)
        unsafe start.deallocate()
        unsafe start = larger
        capacity *= 2
    }

    mutating func removeAll() { count = 0 }
}
