import SpacetimeProtocol
import Synchronization

/// Does what the core decides: opens connections, waits, and tells whoever wants to know.
///
/// What happens is put into an inbox from any thread, and handled one after the other by whoever calls ``process(isTick:)``: a
/// task of the client's own, or the program's loop. The lock is held while the core decides, and never while the program's code
/// runs, so that callbacks may do everything that others may.
final class ClientEngine: Sendable {
    enum Input {
        case opened(UInt64, OpenedTransport)
        case openingFailed(UInt64, ClientError)
        case received(UInt64, [UInt8])
        case closed(UInt64, TransportEnd)
        case time
    }

    struct State: ~Copyable {
        var core: ClientCore
        var inbox: [Input] = []
        /// The latest connection that was said to be open.
        var announced: UInt64 = 0
        /// What has come of connections that were not yet said to be open: a transport may be faster with it.
        var early: [Input] = []
        /// The first of the inbox that was not taken.
        var nextInput = 0
        var inboxBytes = 0
        var isReadingPaused = false
        /// Those who wait until the transport has let go of the connection.
        var farewells: [CheckedContinuation<Void, Never>] = []
        var transport: (number: UInt64, connection: any TransportConnection)?
        var opening: Task<Void, Never>?
        var timer: (deadline: Duration, task: Task<Void, Never>)?
        /// Whether somebody tells events at the moment, whom nobody else may overtake.
        var isDelivering = false
        var program = ProgramState()

        init(_ core: consuming ClientCore) { self.core = core }
    }

    let state: Mutex<State>
    let options: ClientOptions
    let transport: any ClientTransport
    private let wakeUps: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(
        _ address: ServerAddress, _ database: String, _ transport: any ClientTransport, _ options: ClientOptions
    ) {
        self.options = options
        self.transport = transport
        (wakeUps, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        state = Mutex(
            State(
                ClientCore(
                    address: address, database: database, token: nil, options: options,
                    compression: transport.compression, decompressor: transport.decompressor)))
    }

    /// Begins to connect, and to handle what happens in a task that lives until the client has ended.
    func start(token: String?) {
        let isFirst = state.withLock { state in
            guard state.core.phase == .idle else { return false }
            if let token { state.core.token = token }
            state.core.connect(now: options.clock.elapsed())
            perform(&state)
            return true
        }
        guard isFirst else { return }
        let wakeUps = wakeUps
        Task {
            for await _ in wakeUps { process(isTick: false) }
        }
    }

    // MARK: What happens

    func put(_ input: Input) {
        let (isPumped, farewells) = state.withLock { state in
            var farewells: [CheckedContinuation<Void, Never>] = []
            if case .closed(let number, _) = input, state.transport?.number == number {
                state.transport = nil
                swap(&farewells, &state.farewells)
            }
            if case .received(let number, let payload) = input {
                state.inboxBytes += payload.count
                if state.inboxBytes > options.inboxByteLimit, !state.isReadingPaused,
                    state.transport?.number == number
                {
                    state.isReadingPaused = true
                    state.transport?.connection.setReading(false)
                }
            }
            file(input, &state)
            return (!(options.delivery.waitsForTick && state.core.isOpen), farewells)
        }
        for farewell in farewells { farewell.resume() }
        if isPumped { wake.yield() }
    }

    /// Puts an input where it belongs in the order of things.
    private func file(_ input: Input, _ state: inout State) {
        switch input {
        case .received(let number, _) where number > state.announced: state.early.append(input)
        case .closed(let number, _) where number > state.announced: state.early.append(input)
        case .opened(let number, _):
            state.announced = number
            state.inbox.append(input)
            state.inbox += state.early
            state.early = []
        case .received, .closed, .openingFailed, .time: state.inbox.append(input)
        }
    }

    /// Handles what has happened, and tells the program. Returns how many messages were applied.
    ///
    /// While another thread does the same, or when called from a callback, nothing is done: that one goes on.
    @discardableResult
    func process(isTick: Bool) -> Int {
        var applied = 0
        while true {
            let (events, isMessage) = state.withLock { state -> ([ClientEvent]?, Bool) in
                guard !state.isDelivering else { return (nil, false) }
                var isMessage = false
                if state.core.events.isEmpty {
                    guard let input = takeInput(&state, isTick: isTick) else { return (nil, false) }
                    if case .received = input { isMessage = true }
                    handle(input, &state)
                    // Whoever is here tells what has happened, and need not be woken.
                    perform(&state, wakes: false)
                } else if options.delivery.waitsForTick, state.core.isOpen, !isTick, state.core.hasChanges {
                    // A call was foreseen, which is told with the next tick.
                    return (nil, false)
                }
                state.isDelivering = true
                return (state.core.takeEvents(), isMessage)
            }
            guard let events else { return applied }
            if isMessage { applied += 1 }
            for event in events { deliver(event) }
            state.withLock { $0.isDelivering = false }
        }
    }

    private func takeInput(_ state: inout State, isTick: Bool) -> Input? {
        guard state.nextInput < state.inbox.count else { return nil }
        // Until the server has greeted there is nothing to apply, and somebody waits for it.
        if options.delivery.waitsForTick, state.core.isOpen, !isTick { return nil }
        let input = state.inbox[state.nextInput]
        state.nextInput += 1
        if state.nextInput == state.inbox.count || state.nextInput > 1_024 {
            state.inbox.removeFirst(state.nextInput)
            state.nextInput = 0
        }
        if case .received(_, let payload) = input {
            state.inboxBytes -= payload.count
            if state.isReadingPaused, state.inboxBytes <= options.inboxByteLimit / 2 {
                state.isReadingPaused = false
                state.transport?.connection.setReading(true)
            }
        }
        return input
    }

    private func handle(_ input: Input, _ state: inout State) {
        let now = options.clock.elapsed()
        switch input {
        case .opened(let number, let opened):
            if number == state.core.connection, case .opening = state.core.phase {
                state.opening = nil
                state.isReadingPaused = false
                state.transport = (number, opened.connection)
            } else {
                opened.connection.close(code: 1000, reason: "")
            }
            state.core.opened(number, opened.subprotocol, now: now)
        case .openingFailed(let number, let error): state.core.openingFailed(number, error, now: now)
        case .received(let number, let payload): state.core.received(number, payload, now: now)
        case .closed(let number, let end):
            if state.transport?.number == number { state.transport = nil }
            state.core.closed(number, end, now: now)
        case .time: state.core.timeReached(now: now)
        }
    }

    // MARK: What is to be done

    /// Does what the core wants. Called with the lock, so that messages are sent in the order in which they were decided.
    ///
    /// - Parameter wakes: whether somebody has to be told that there are events; not who is in ``process(isTick:)``.
    func perform(_ state: inout State, wakes: Bool = true) {
        for action in state.core.takeActions() {
            switch action {
            case .open(let number, let opening): state.opening = open(number, opening)
            case .abandon(let number):
                if state.transport?.number == number {
                    state.transport?.connection.close(code: 1000, reason: "")
                } else if number == state.core.connection {
                    state.opening?.cancel()
                }
            case .send(let number, let payload):
                if state.transport?.number == number { state.transport?.connection.send(payload) }
            case .close(let number, let code, let reason):
                if state.transport?.number == number {
                    state.transport?.connection.close(code: code, reason: reason)
                }
            }
        }
        setTimer(&state)
        if wakes, !state.core.events.isEmpty { wake.yield() }
    }

    private func open(_ number: UInt64, _ opening: TransportOpening) -> Task<Void, Never> {
        let receiver = TransportReceiver { [weak self] payload in
            self?.put(.received(number, payload))
        } end: { [weak self] end in
            self?.put(.closed(number, end))
        }
        return Task {
            do throws(ClientError) {
                put(.opened(number, try await transport.open(opening, receiver)))
            } catch {
                put(.openingFailed(number, error))
            }
        }
    }

    private func setTimer(_ state: inout State) {
        guard state.timer?.deadline != state.core.deadline else { return }
        state.timer?.task.cancel()
        state.timer = nil
        guard let deadline = state.core.deadline else { return }
        let clock = options.clock
        let task = Task {
            // A timer that is cancelled has nothing to tell; one that is early is asked again.
            while clock.elapsed() < deadline {
                guard (try? await clock.sleep(deadline - clock.elapsed())) != nil else { return }
            }
            put(.time)
        }
        state.timer = (deadline, task)
    }

    /// Lets the task of ``start(token:)`` come to its end.
    func stopPump() { wake.finish() }
}
