/// Refers to a value that has an address of its own and does not move: what an object reference is to an object, without
/// the counting and without the run-time exclusivity checks that a class would cost on every access.
///
/// The mutable structures of the engine refer to each other by these. Whoever made the value destroys it, once, when
/// nothing refers to it any more: a datastore its tables, a table its rows and indexes.
///
/// `@safe`: a reference can be had only from `init(_:)`, or from code that says `unsafe` and why. It is not used after
/// `destroy`, since owners hand theirs only to parts that go before they do.
@safe
struct Ref<Value: ~Copyable>: Hashable, BitwiseCopyable {
    let pointer: UnsafeMutablePointer<Value>

    /// Gives a value an address.
    @inline(__always)
    init(_ value: consuming Value) {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: value)
    }

    /// Refers to a value that lies there already.
    @inline(__always)
    init(to pointer: UnsafeMutablePointer<Value>) { unsafe self.pointer = pointer }

    /// The value, where it lies.
    ///
    /// It is reached by a call and not by a stored pointer: Swift 6.3 crashes under the thread sanitizer over a mutating
    /// call through a pointer that is read out of a non-copyable struct in the same expression.
    var value: Value {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    @inline(__always)
    var address: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(pointer) }

    /// Ends the value and its address.
    func destroy() {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    static func == (left: Ref, right: Ref) -> Bool { unsafe left.pointer == right.pointer }
    func hash(into hasher: inout Hasher) { unsafe hasher.combine(pointer) }
}
