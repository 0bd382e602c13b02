import SpacetimeTestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A server of PostgreSQL of its own, on files of its own, by the messages of its protocol.
final class Postgres {
    let port: Int
    let server: Child
    private let directory: TemporaryDirectory

    /// - Returns: nil if PostgreSQL is not installed.
    static func start(accounts: Int) throws -> Postgres? {
        guard let binaries = binaries() else { return nil }
        return try Postgres(binaries, accounts)
    }

    /// Where Debian and others put the programs that are not in the path.
    private static func binaries() -> String? {
        let candidates = (12...20).reversed().map { "/usr/lib/postgresql/\($0)/bin" } + ["/usr/local/bin", "/usr/bin"]
        return candidates.first { access("\($0)/initdb", X_OK) == 0 && access("\($0)/postgres", X_OK) == 0 }
    }

    private init(_ binaries: String, _ accounts: Int) throws {
        directory = try TemporaryDirectory()
        port = try Socket.freePort()
        let data = directory.path + "/data"
        // It refuses to run for the system's administrator.
        var prefix: [String] = []
        if geteuid() == 0 {
            guard let user = getpwnam("postgres") else { throw BenchFailure("there is no user 'postgres'") }
            chown(directory.path, user.pointee.pw_uid, user.pointee.pw_gid)
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        }
        let initialisation = try Child(
            prefix + ["\(binaries)/initdb", "-D", data, "-A", "trust", "-U", "bench", "-E", "UTF8", "--no-sync"],
            isQuiet: true)
        initialisation.wait()
        server = try Child(
            prefix + [
                "\(binaries)/postgres", "-D", data, "-p", "\(port)", "-h", "127.0.0.1", "-k", directory.path,
                "-c", "shared_buffers=256MB", "-c", "max_wal_size=8GB", "-c", "log_min_messages=fatal",
            ], isQuiet: true)
        let socket = try Self.patiently(port)
        defer { socket.end() }
        try Self.run(
            "CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50)", on: socket)
        try Self.run(
            "INSERT INTO accounts SELECT id, \(Transfers.initialBalance) FROM generate_series(0, \(accounts - 1)) id",
            on: socket)
        // The account with the smaller number first, so that no two transfers wait for each other.
        try Self.run(
            """
            CREATE FUNCTION transfer(a int, b int, amount bigint) RETURNS void LANGUAGE plpgsql AS $$
            BEGIN
                UPDATE accounts SET balance = balance + CASE WHEN id = a THEN -amount ELSE amount END
                    WHERE id = least(a, b) AND (id <> a OR balance >= amount);
                IF NOT FOUND THEN RAISE 'insufficient_funds'; END IF;
                UPDATE accounts SET balance = balance + CASE WHEN id = a THEN -amount ELSE amount END
                    WHERE id = greatest(a, b) AND (id <> a OR balance >= amount);
                IF NOT FOUND THEN RAISE 'insufficient_funds'; END IF;
            END $$
            """, on: socket)
        try Self.run("VACUUM ANALYZE accounts", on: socket)
    }

    private static func patiently(_ port: Int) throws -> Socket {
        for _ in 0..<500 {
            if let socket = try? connect(port: port) { return socket }
            usleep(20_000)
        }
        throw BenchFailure("PostgreSQL does not start")
    }

    // MARK: The protocol

    static func connect(port: Int) throws -> Socket {
        let socket = try Socket(port: port)
        do {
            let parameters = Array("user\0bench\0database\0postgres\0\0".utf8)
            // Version 3.0; trusted connections are asked for no password.
            try socket.send(big32(UInt32(parameters.count + 8)) + big32(196_608) + parameters)
            try readUntilReady(socket)
        } catch {
            socket.end()
            throw error
        }
        return socket
    }

    private static func big32(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

    static func send(_ tag: Unicode.Scalar, _ body: [UInt8], _ socket: Socket) throws {
        try socket.send([UInt8(ascii: tag)] + big32(UInt32(body.count + 4)) + body)
    }

    static func run(_ statement: String, on socket: Socket) throws {
        try send("Q", Array(statement.utf8) + [0], socket)
        try readUntilReady(socket)
    }

    /// - Throws: the first error that was reported.
    static func readUntilReady(_ socket: Socket) throws {
        var failure: String?
        while true {
            let head = try exactly(5, socket)
            let length = head[1...].reduce(0) { $0 << 8 | Int($1) } - 4
            let body = try exactly(length, socket)
            if head[0] == UInt8(ascii: "E") { failure = failure ?? String(decoding: body, as: UTF8.self) }
            if head[0] == UInt8(ascii: "Z") { break }
        }
        if let failure { throw BenchFailure("PostgreSQL: \(failure)") }
    }

    private static func exactly(_ count: Int, _ socket: Socket) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var position = 0
        while position < count {
            let read = try bytes.withUnsafeMutableBytes {
                try socket.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[position...]))
            }
            guard let read, read > 0 else { throw BenchFailure("PostgreSQL ended a connection") }
            position += read
        }
        return bytes
    }
}
