import CoreMetrics
import SpacetimeProtocol
import Synchronization

/// What a client sends.
enum ReceivedMessage: Int, CaseIterable {
    case callReducer, callProcedure, subscribe, unsubscribe, oneOffQuery

    var name: String {
        switch self {
        case .callReducer: "call_reducer"
        case .callProcedure: "call_procedure"
        case .subscribe: "subscribe"
        case .unsubscribe: "unsubscribe"
        case .oneOffQuery: "one_off_query"
        }
    }
}

/// What a client is sent.
enum SentMessage: Int, CaseIterable {
    case update, reducerResult, subscribed, unsubscribed, answer, resumed

    var name: String {
        switch self {
        case .update: "transaction_update"
        case .reducerResult: "reducer_result"
        case .subscribed: "subscribe_applied"
        case .resumed: "resumed"
        case .unsubscribed: "unsubscribe_applied"
        // The greeting, errors, and what queries and procedures return.
        case .answer: "answer"
        }
    }
}

/// What a connection speaks.
enum ConnectionProtocol: String, CaseIterable {
    case v1JSON = "v1.json"
    case v1BSATN = "v1.bsatn"
    case v2, v3

    init(_ subprotocol: Subprotocol) {
        switch subprotocol {
        case .v1JSON: self = .v1JSON
        case .v1BSATN: self = .v1BSATN
        case .v2: self = .v2
        case .v3: self = .v3
        }
    }

    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Why a connection ended.
enum ConnectionEnd: String, CaseIterable {
    /// The client closed it, or was gone.
    case client
    /// The connect reducer refused the client.
    case refused
    /// Nothing came for too long.
    case idle
    /// The client sent what is no message, or broke the rules of WebSocket.
    case malformed = "malformed_message"
    /// More messages waited than may.
    case incomingOverflow = "incoming_overflow"
    /// The client did not read what it was sent.
    case slow = "slow_reader"
    /// A limit was reached, see `spacetime_limits_reached`.
    case limit
    /// The database was closed or replaced.
    case moduleExited = "module_exited"
    /// The server was shut down.
    case shutdown
    /// The socket failed, or anything else.
    case failure

    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// What one connection counts. Plain numbers of its event loop, handed on once per read or write batch: nothing in here is
/// shared, locks, or allocates.
struct ConnectionMetrics {
    private let database: DatabaseMetrics

    private var received = InlineArray<5, UInt32>(repeating: 0)
    private var sent = InlineArray<6, UInt32>(repeating: 0)
    private var receivedBytes = 0
    private var sentBytes = 0
    private var sentFrames = 0

    // What was last handed on, since sums over all connections are kept by differences.
    private var subscriptions = Level()
    private var waitingIn = Level()
    private var waitingOut = Level()

    private var calls: CallMetrics?
    /// The reducer and the outcome that those are of, as one number.
    private var callKey = -1
    private var callCounts = InlineArray<20, UInt32>(repeating: 0)
    private var callNanoseconds: Int64 = 0

    private struct Level {
        var value = 0
        private var told = 0

        /// How much it has changed since this was last called.
        mutating func change() -> Int {
            defer { told = value }
            return value - told
        }
    }

    init(_ database: DatabaseMetrics) { self.database = database }

    /// A message came.
    @inline(__always)
    mutating func receive(_ message: ReceivedMessage) { received[message.rawValue] &+= 1 }

    /// Bytes came, in however many frames.
    @inline(__always)
    mutating func receive(byteCount: Int) { receivedBytes &+= byteCount }

    /// A message was put into a frame.
    @inline(__always)
    mutating func send(_ message: SentMessage) { sent[message.rawValue] &+= 1 }

    /// A frame was written.
    @inline(__always)
    mutating func sendFrame(byteCount: Int) {
        sentFrames &+= 1
        sentBytes &+= byteCount
    }

    /// A reducer was called, by its position in the schema.
    mutating func call(_ reducer: Int, hasCommitted: Bool, nanoseconds: Int64) {
        let key = reducer &* 2 &+ (hasCommitted ? 1 : 0)
        if key != callKey || calls == nil {
            flushCalls()
            callKey = key
            calls = database.calls(reducer, hasCommitted: hasCommitted)
        }
        guard let metrics = calls else { return }
        callCounts[metrics.histogram.bucket(of: nanoseconds)] &+= 1
        callNanoseconds &+= nanoseconds
        metrics.timer?.recordNanoseconds(nanoseconds)
    }

    /// How many sets of queries the client watches.
    mutating func set(subscriptions count: Int) { subscriptions.value = count }

    /// How many messages wait to be handled, and events to be sent.
    mutating func set(waitingIn incoming: Int, waitingOut outgoing: Int) {
        waitingIn.value = incoming
        waitingOut.value = outgoing
    }

    /// Hands on what was counted: at the end of a batch, and when the connection ends.
    mutating func flush() {
        if calls != nil { flushCalls() }
        for index in received.indices where received[index] > 0 {
            database.messagesReceived[index].increment(by: Int64(received[index]))
            received[index] = 0
        }
        for index in sent.indices where sent[index] > 0 {
            database.messagesSent[index].increment(by: Int64(sent[index]))
            sent[index] = 0
        }
        if receivedBytes > 0 { database.bytesReceived.increment(by: Int64(receivedBytes)) }
        if sentBytes > 0 { database.bytesSent.increment(by: Int64(sentBytes)) }
        if sentFrames > 0 { database.framesSent.increment(by: Int64(sentFrames)) }
        (receivedBytes, sentBytes, sentFrames) = (0, 0, 0)
        add(subscriptions.change(), to: database.subscriptionCount)
        add(waitingIn.change(), to: database.waitingIn)
        add(waitingOut.change(), to: database.waitingOut)
    }

    /// The connection has ended: nothing of it waits any more.
    mutating func end() {
        set(subscriptions: 0)
        set(waitingIn: 0, waitingOut: 0)
        flush()
    }

    private func add(_ change: Int, to sum: borrowing Atomic<Int>) {
        if change != 0 { sum.wrappingAdd(change, ordering: .relaxed) }
    }

    private mutating func flushCalls() {
        guard let calls else { return }
        calls.histogram.add(callCounts, sum: callNanoseconds)
        callCounts = InlineArray(repeating: 0)
        callNanoseconds = 0
        self.calls = nil
    }
}
