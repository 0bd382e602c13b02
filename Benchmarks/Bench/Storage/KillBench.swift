import BenchHarness
import SpacetimeDurability
import SpacetimeKit
import SpacetimeTestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A real process under load, killed at random moments. No acknowledged commit may be missing afterwards.
enum KillBench {
    @Table struct Ack {
        @PrimaryKey var id: UInt64
        var caller: UInt32
        var text: String
    }

    @Module enum Acknowledged {
        static let tables = Tables(Ack.self)

        @Reducer static func add(_ context: borrowing Context, id: UInt64, caller: UInt32) throws {
            try context.db.ack.insert(Ack(id: id, caller: caller, text: String(repeating: "a", count: Int(id % 60))))
        }
    }

    static let callers = 8

    /// What the killed process does: durable calls, each written to a file once it returned.
    static func child(_ directory: String) throws {
        var storage = StorageOptions()
        storage.snapshotLogByteCount = 200 << 10
        storage.segmentByteCount = 100 << 10
        let database = try Database.open(.directory(directory + "/db", storage), module: Acknowledged.self)
        let acknowledged = open(directory + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard acknowledged >= 0 else { throw BenchError.system("the file of acknowledgements cannot be opened") }
        let base = UInt64(try database.read { $0.ack.count })
        for caller in 0..<callers {
            startThread {
                var number = base * 1_000
                while true {
                    let id = number * UInt64(callers) + UInt64(caller)
                    number += 1
                    guard (try? database.call(Acknowledged.add, id, UInt32(caller), until: .durable)) != nil else {
                        continue
                    }
                    // One write of eight bytes to a file opened for appending is not torn by a kill.
                    withUnsafeBytes(of: id.littleEndian) { _ = write(acknowledged, $0.baseAddress, 8) }
                }
            }
        }
        while true { sleep(1_000) }
    }

    struct Outcome {
        var kills = 0
        var acknowledged = 0
        var missing = 0
    }

    static func run(rounds: Int, seed: UInt64) throws -> Outcome {
        var outcome = Outcome()
        var random = SplitMix64(seed: seed)
        let directory = try TemporaryDirectory()
        for _ in 0..<rounds {
            let process = try start(directory.path)
            usleep(UInt32(20_000 + random.next() % 180_000))
            kill(process, SIGKILL)
            var status: Int32 = 0
            waitpid(process, &status, 0)
            outcome.kills += 1
            try check(directory.path, &outcome)
        }
        return outcome
    }

    private static func start(_ directory: String) throws -> pid_t {
        let path = CommandLine.arguments[0]
        let words = [path, "--kill-child", directory]
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { (word: String) in strdup(word) } + [nil]
        defer { arguments.forEach { free($0) } }
        var process = pid_t()
        guard posix_spawn(&process, path, nil, nil, arguments, environ) == 0 else {
            throw BenchError.system("'\(path)' cannot be started")
        }
        return process
    }

    private static func check(_ directory: String, _ outcome: inout Outcome) throws {
        let disk = SystemDisk()
        let acknowledged = (try? disk.readAll(directory + "/acknowledged")) ?? []
        let database = try Database.open(at: directory + "/db", module: Acknowledged.self)
        outcome.acknowledged = acknowledged.count / 8
        for position in 0..<outcome.acknowledged {
            let id = acknowledged[(position * 8)..<(position * 8 + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            if try database.read({ $0.ack.id.find(id) }) == nil { outcome.missing += 1 }
        }
        try database.checkInvariants()
        try database.close()
    }
}

/// A disk that is really full: writing stops with a clear error, reading goes on, and nothing durable is lost.
enum FullDiskBench {
    /// - Parameter limit: the largest file that this process may make; nil to rely on a disk that is small.
    static func run(limit: Int?) throws -> (kept: Int, found: Int, error: String) {
        let directory = try TemporaryDirectory()
        var storage = StorageOptions()
        storage.segmentByteCount = 1 << 40
        let database = try Database.open(
            .directory(directory.path + "/db", storage), module: KillBench.Acknowledged.self)
        var old = rlimit()
        if let limit {
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old)
            var new = rlimit(rlim_cur: rlim_t(limit), rlim_max: old.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &new)
        }
        var kept = 0
        var message = ""
        do {
            for id in 0..<10_000_000 as Range<UInt64> {
                let level: CommitLevel = id % 100 == 0 ? .durable : .committed
                try database.call(KillBench.Acknowledged.add, id, 0, until: level)
                if case .durable = level { kept = Int(id) + 1 }
            }
        } catch {
            message = "\(error)"
        }
        // Readers are served.
        guard try database.read({ $0.ack.count }) >= kept else { throw BenchError.system("rows are missing in memory") }
        try? database.close()
        if limit != nil { setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old) }
        let past = try Database.open(
            at: directory.path + "/db", asOf: TxOffset(UInt64(kept)), module: KillBench.Acknowledged.self)
        return (kept, try past.read { $0.ack.count }, message)
    }
}
