/// What the host's functions find a guest's state by: a pointer that Wasmtime hands to each of them.
///
/// `@safe`: ``GuestStateOwner`` makes one for each state, and the state is there for as long as that is; whoever keeps one keeps
/// that, too. It is of one thread at a time, as the guest is.
@safe
struct GuestReference {
    let address: UnsafeMutablePointer<GuestState>
    var constantAddress: UnsafePointer<GuestState> { @inline(__always) get { unsafe UnsafePointer(address) } }

    fileprivate init(_ state: consuming GuestState) {
        unsafe address = .allocate(capacity: 1)
        unsafe address.initialize(to: state)
    }

    /// What a function of the host was given as its environment, see ``environment``.
    @unsafe
    @inline(__always)
    init(environment: UnsafeMutableRawPointer?) {
        unsafe address = environment.unsafelyUnwrapped.assumingMemoryBound(to: GuestState.self)
    }

    var environment: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(address) }

    /// Lies where it is, and is not copied.
    var state: GuestState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(address) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe address }
    }

    fileprivate func destroy() {
        unsafe address.deinitialize(count: 1)
        unsafe address.deallocate()
    }
}

/// Gives a guest's state an address, for as long as this is there.
struct GuestStateOwner: ~Copyable {
    let reference: GuestReference

    init(_ state: consuming GuestState) { reference = GuestReference(state) }

    deinit { reference.destroy() }
}
