import SpacetimeTestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A server of Redis of its own, on files of its own.
final class Redis {
    let port: Int
    let server: Child
    /// The hash of the script that transfers.
    let script: String
    private let directory: TemporaryDirectory

    private static let transfer = """
        local from = tonumber(redis.call('GET', KEYS[1])) \
        local to = tonumber(redis.call('GET', KEYS[2])) \
        local amount = tonumber(ARGV[1]) \
        if not from or not to then return redis.error_reply('account_missing') end \
        if from < amount then return redis.error_reply('insufficient_funds') end \
        redis.call('SET', KEYS[1], from - amount) \
        redis.call('SET', KEYS[2], to + amount) \
        return 1
        """

    /// - Returns: nil if Redis is not installed.
    static func start(accounts: Int) throws -> Redis? {
        let found = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].first {
            access("\($0)/redis-server", X_OK) == 0
        }
        return try found.map { try Redis("\($0)/redis-server", accounts) }
    }

    private init(_ program: String, _ accounts: Int) throws {
        directory = try TemporaryDirectory()
        port = try Socket.freePort()
        server = try Child(
            [
                program, "--port", "\(port)", "--bind", "127.0.0.1", "--dir", directory.path, "--save", "",
                "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0",
            ], isQuiet: true)
        let socket = try Self.patiently(port)
        defer { socket.end() }
        for start in stride(from: 0, to: accounts, by: 1_000) {
            let end = min(start + 1_000, accounts)
            let words = (start..<end).flatMap { ["a\($0)", "\(Transfers.initialBalance)"] }
            _ = try Self.run(["MSET"] + words, on: socket)
        }
        script = try Self.run(["SCRIPT", "LOAD", Self.transfer], on: socket)
        guard script.utf8.count == 40 else { throw BenchFailure("Redis: \(script)") }
    }

    private static func patiently(_ port: Int) throws -> Socket {
        for _ in 0..<250 {
            if let socket = try? Socket(port: port) { return socket }
            usleep(20_000)
        }
        throw BenchFailure("Redis does not start")
    }

    /// - Returns: the answer's last line: what follows its type, or the text of a bulk.
    private static func run(_ words: [String], on socket: Socket) throws -> String {
        let request = "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        try socket.send(Array(request.utf8))
        var lines: [String] = []
        repeat { lines.append(try line(socket)) } while lines.count < (lines[0].hasPrefix("$") ? 2 : 1)
        if lines[0].hasPrefix("-") { throw BenchFailure("Redis: \(lines[0])") }
        return lines.last ?? ""
    }

    private static func line(_ socket: Socket) throws -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            guard try withUnsafeMutableBytes(of: &byte, { try socket.read(into: $0) }) == 1 else {
                throw BenchFailure("Redis ended a connection")
            }
            if byte == 10 { return String(decoding: line.dropLast(), as: UTF8.self) }
            line.append(byte)
        }
    }
}
