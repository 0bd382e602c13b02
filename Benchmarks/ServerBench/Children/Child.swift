import SpacetimeDurability

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A program that runs beside this one, and ends with it at the latest.
final class Child {
    let process: pid_t
    private let input: Int32
    private let output: Int32
    private var hasEnded = false

    /// - Parameters:
    ///   - words: the program, by its path or found by its name, and its arguments.
    ///   - isQuiet: nobody asks it anything, and what it prints is dropped.
    init(_ words: [String], isQuiet: Bool = false) throws {
        var toChild: [Int32] = [0, 0]
        var fromChild: [Int32] = [0, 0]
        guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else { throw SystemError("pipe") }
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        #else
        var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if isQuiet {
            for descriptor in 0...2 as ClosedRange<Int32> {
                posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
            }
        } else {
            posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
            posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        }
        // The child must not keep the other ends open, or it would not see that this program has ended.
        for descriptor in toChild + fromChild { posix_spawn_file_actions_addclose(&actions, descriptor) }
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var process = pid_t()
        let result = posix_spawnp(&process, words[0], &actions, nil, arguments, environ)
        close(toChild[0])
        close(fromChild[1])
        input = toChild[1]
        output = fromChild[0]
        self.process = process
        guard result == 0 else {
            hasEnded = true
            close(input)
            close(output)
            throw SystemError("'\(words[0])' cannot be started", code: result)
        }
    }

    /// This program again, in another role.
    static func itself(_ role: String, _ words: [String]) throws -> Child {
        try Child([CommandLine.arguments[0], "--child", role] + words)
    }

    deinit { end() }

    /// Ends the program and waits until it is gone.
    func end(signal: Int32 = SIGTERM) {
        guard !hasEnded else { return }
        hasEnded = true
        close(input)
        close(output)
        kill(process, signal)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// Waits until the program has ended by itself.
    func wait() {
        guard !hasEnded else { return }
        hasEnded = true
        close(input)
        close(output)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    // MARK: Asking

    /// Sends a line and reads the line that answers it.
    func ask(_ command: String) throws -> String {
        let line = Array("\(command)\n".utf8)
        guard write(input, line, line.count) == line.count else { throw SystemError("a child does not listen") }
        return try self.line()
    }

    func line() throws -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = read(output, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { throw BenchFailure("a child has ended") }
            if byte == 10 { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }

    /// The numbers of an answer.
    func numbers(_ command: String) throws -> [Double] {
        try ask(command).split(separator: " ").map { Double($0) ?? 0 }
    }

    /// What a child of this program's own has used so far.
    func usage() throws -> Usage {
        let numbers = try numbers("usage")
        guard numbers.count == 3 else { throw BenchFailure("a child does not know what it has used") }
        return Usage(seconds: numbers[0], residentByteCount: numbers[1], openFiles: numbers[2])
    }
}

/// What a process has used.
struct Usage {
    /// Of processors, in user and system mode.
    var seconds: Double
    var residentByteCount: Double
    var openFiles: Double

    /// Of this process.
    static func own() -> Usage {
        var usage = rusage()
        #if canImport(Glibc)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
        getrusage(RUSAGE_SELF, &usage)
        #endif
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return Usage(
            seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), residentByteCount: residentByteCount(),
            openFiles: openFiles())
    }

    private static func residentByteCount() -> Double {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let fields = text(line).split(separator: " ")
        return (fields.count > 1 ? Double(fields[1]) ?? 0 : 0) * Double(getpagesize())
    }

    private static func openFiles() -> Double {
        guard let directory = opendir("/dev/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0.0
        while readdir(directory) != nil { count += 1 }
        return count
    }

    private static func text(_ line: [CChar]) -> String {
        String(decoding: line.map { UInt8(bitPattern: $0) }.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The seconds of processors that a process and those that it started have used, where the system tells; else nil.
    static func seconds(ofTree process: pid_t) -> Double? {
        guard let directory = opendir("/proc") else { return nil }
        defer { closedir(directory) }
        var sum: Double?
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                String(cString: UnsafeRawPointer(tuple).assumingMemoryBound(to: CChar.self))
            }
            guard let number = pid_t(name), let file = fopen("/proc/\(name)/stat", "r") else { continue }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 4_096)
            guard fgets(&line, 4_096, file) != nil else { continue }
            // Behind the name, which may hold blanks: state, parent, …, user and system time as the 12th and 13th.
            let fields = text(line).split(separator: ")").last?.split(separator: " ") ?? []
            guard fields.count > 12, number == process || fields[1] == "\(process)" else { continue }
            let ticks = (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)
            sum = (sum ?? 0) + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
        return sum
    }
}
