/// A growing array of plain values that has one owner: what a cache keeps for each of a million rows.
///
/// Unlike an `Array` it is never shared, so that no access asks whether it is, and places are not checked in release: whoever
/// uses one says why its places are inside.
struct PlainArray<Element: BitwiseCopyable>: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private(set) var capacity = 0

    init() { base = .allocate(capacity: 0) }

    deinit { base.deallocate() }

    var isEmpty: Bool { count == 0 }

    subscript(place: Int) -> Element {
        @inline(__always) get {
            assert(place >= 0 && place < count)
            return base[place]
        }
        @inline(__always) nonmutating _modify {
            assert(place >= 0 && place < count)
            yield &base[place]
        }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow(to: count + 1) }
        // There is room for one more.
        (base + count).initialize(to: element)
        count &+= 1
    }

    /// Room for so many more at the end, which the caller fills.
    @inline(__always)
    mutating func extend(by additional: Int) -> UnsafeMutablePointer<Element> {
        if count &+ additional > capacity { grow(to: count + additional) }
        defer { count &+= additional }
        return base + count
    }

    mutating func popLast() -> Element? {
        if count == 0 { return nil }
        count -= 1
        return base[count]
    }

    /// Makes room for so many more, and no more than that if it is the first.
    mutating func reserve(_ additional: Int) {
        if count + additional > capacity { grow(to: count + additional) }
    }

    /// Forgets all elements. What room many of them have taken is given back.
    mutating func removeAll() {
        count = 0
        if capacity > 4_096 { resize(to: 0) }
    }

    @inline(never) private mutating func grow(to least: Int) {
        // Growing by less than a half each time would copy everything again and again.
        resize(to: max(least, capacity + capacity / 2, 8))
    }

    private mutating func resize(to size: Int) {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: size)
        // The new memory is at least as large as what is there.
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
        capacity = size
    }
}
