import SpacetimeDurability
import Synchronization

/// Clients that mean no good, on a thread of their own.
final class Attacker: Sendable {
    enum Attack: String, CaseIterable {
        /// Connections without a request, with half of one, and with half a frame.
        case halfOpen = "half-open"
        /// Clients that watch everything and read nothing.
        case stoppedReaders = "stopped-readers"
        /// Calls as fast as they are taken.
        case flood
        /// Clients that come, send what is no message, and come again.
        case garbage
    }

    private struct Outcome {
        var isReady = false
        var isOver = false
        var failure: (any Error)?
    }

    private let port: Int
    private let isEnding = Atomic(false)
    private let outcome = Monitor(Outcome())

    /// Returns once the attack is under way.
    init(_ attack: Attack, port: Int, connections: Int) throws {
        self.port = port
        startThread { self.run(attack, connections) }
        outcome.wait { $0.isReady || $0.isOver }
        if let failure = outcome.withLock({ $0.failure }) { throw failure }
    }

    func end() throws {
        isEnding.store(true, ordering: .relaxed)
        outcome.wait { $0.isOver }
        if let failure = outcome.withLock({ $0.failure }) { throw failure }
    }

    private func run(_ attack: Attack, _ connections: Int) {
        do {
            switch attack {
            case .halfOpen: try halfOpen(connections)
            case .stoppedReaders: try stoppedReaders(min(connections, 50))
            case .flood: try flood()
            case .garbage: try garbage()
            }
            outcome.wake { $0.isOver = true }
        } catch {
            outcome.wake { outcome in
                outcome.failure = error
                outcome.isOver = true
            }
        }
    }

    private func isReady() { outcome.wake { $0.isReady = true } }
    private var goesOn: Bool { !isEnding.load(ordering: .relaxed) }

    private func stay(_ sockets: [Socket]) throws {
        isReady()
        let poller = try Poller()
        while goesOn { try poller.wait(milliseconds: 20) { _ in } }
        sockets.forEach { $0.end() }
    }

    private func halfOpen(_ count: Int) throws {
        var sockets: [Socket] = []
        for number in 0..<count {
            if number % 10 == 9 {
                let socket = try GreetedClient.open(port: port)
                try socket.send([0x82, 0xFE, 0x01])
                sockets.append(socket)
            } else {
                let socket = try Socket(port: port, source: UInt8(2 + number / 20_000))
                if number % 2 == 0 {
                    try socket.send(Array("GET /v1/database/bench/subscribe HTTP/1.1\r\nHost: ".utf8))
                }
                sockets.append(socket)
            }
        }
        try stay(sockets)
    }

    private func stoppedReaders(_ count: Int) throws {
        var frame = ClientFrame()
        let sockets = try (0..<count).map { _ in
            let socket = try GreetedClient.open(port: port, receiveBuffer: 4_096)
            frame.begin()
            frame.append(ClientMessages.subscribe(request: 0, set: 0, ["SELECT * FROM accounts"]))
            try frame.send(to: socket)
            return socket
        }
        try stay(sockets)
    }

    private func flood() throws {
        var wire = SpacetimeWire(options: "")
        var transfers = Transfers(.uniform, accounts: 1_000, count: 10_000)
        var socket = try GreetedClient.open(port: port, query: "compression=None&confirmed=false")
        isReady()
        try withUnsafeTemporaryAllocation(byteCount: 256 << 10, alignment: 16) { buffer in
            while goesOn {
                do {
                    try wire.send(1_000, &transfers, to: socket)
                    while let count = try socket.read(into: buffer), count > 0 {}
                } catch is SystemError {
                    // The server had enough of it: it comes again.
                    socket.end()
                    socket = try GreetedClient.open(port: port, query: "compression=None&confirmed=false")
                }
            }
        }
        socket.end()
    }

    private func garbage() throws {
        isReady()
        var number: UInt64 = 0
        while goesOn {
            let socket = try GreetedClient.open(port: port)
            number += 1
            var frame = ClientFrame()
            frame.begin()
            frame.append([UInt8(5 + number % 250)] + ClientMessages.littleEndian(number))
            try frame.send(to: socket)
            socket.end()
        }
    }
}
