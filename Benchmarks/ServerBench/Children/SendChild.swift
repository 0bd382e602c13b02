import SpacetimeDurability

/// The least that reaching many clients costs: the system's `send` of the same bytes to as many sockets.
enum SendChild {
    static func run() throws {
        let (listener, port) = try Socket.listening()
        ServerChild.answer("port \(port)")
        var sockets: [Socket] = []
        try ServerChild.commands { line in
            let words = line.split(separator: " ")
            switch (words.first, words.dropFirst().compactMap { Int($0) }) {
            case ("accept", let numbers) where numbers.count == 1:
                for _ in 0..<numbers[0] { sockets.append(try listener.accepted()) }
                return "ok"
            case ("send", let numbers) where numbers.count == 2:
                let bytes = [UInt8](repeating: 1, count: numbers[0])
                for _ in 0..<numbers[1] { for socket in sockets { try socket.send(bytes) } }
                return "ok"
            default: return nil
            }
        }
    }
}
