/// Elements that lie behind each other in memory which somebody else owns: a node of a tree, a chunk, the slots of a hash.
///
/// `@safe`: whoever makes one says that its memory holds so many elements and outlives it; positions are below that, which
/// debug builds check. In release builds it is an address and nothing else.
@safe
struct Elements<Element: BitwiseCopyable>: BitwiseCopyable {
    private let base: UnsafeMutablePointer<Element>
    #if DEBUG
    private let count: Int
    #endif

    /// Elements in memory that holds them already, or bytes that are good as such.
    @inline(__always)
    init(at address: UnsafeMutableRawPointer, count: Int) {
        unsafe base = address.assumingMemoryBound(to: Element.self)
        #if DEBUG
        self.count = count
        #endif
    }

    /// Where they lie, to be freed.
    @inline(__always)
    var address: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(base) }

    subscript(position: Int) -> Element {
        @inline(__always) unsafeAddress {
            check(position, 1)
            return unsafe UnsafePointer(base + position)
        }
        @inline(__always) nonmutating unsafeMutableAddress {
            check(position, 1)
            return unsafe base + position
        }
    }

    @inline(__always)
    private func check(_ position: Int, _ length: Int) {
        #if DEBUG
        precondition(position >= 0 && length >= 0 && position + length <= count, "there is no such element")
        #endif
    }

    /// Brings an element closer that will be read soon.
    @inline(__always)
    func prefetch(_ position: Int) { unsafe SpacetimeEngine.prefetch(base + position) }

    /// Copies elements to a position from another one, in the same memory or in other.
    @inline(__always)
    func copy(to position: Int, from source: Elements, at sourcePosition: Int, count moved: Int) {
        check(position, moved)
        source.check(sourcePosition, moved)
        unsafe (base + position).update(from: source.base + sourcePosition, count: moved)
    }
}
