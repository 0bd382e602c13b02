import SpacetimeDurability
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A program that the command has started.
final class ChildProgram: Sendable {
    /// Where the output of a program goes.
    enum Output: Sendable {
        /// To the command's standard error: it is nothing that somebody asked for.
        case asNotes
        /// To whoever waits for the end. What it writes to its standard error goes to the command's.
        case collected
        /// Both streams to a closure, a line at a time, on a thread of its own.
        case lines(@Sendable (String) -> Void)
    }

    /// How a program ended.
    struct Outcome: Sendable {
        /// What it exited with; nil if a signal ended it.
        var status: Int32?
        var signal: Int32?
        var output: [UInt8] = []
        var hasTimedOut = false

        /// For messages.
        var text: String {
            if hasTimedOut { return "it did not end in time" }
            if let signal { return "it was ended by signal \(signal)" }
            return "it ended with status \(status ?? 0)"
        }
    }

    private let id: pid_t
    private let hasOwnGroup: Bool
    private let end: Task<Outcome, Never>
    /// Whether it was waited for: then its number may be another program's.
    private let hasEnded: Ended

    private final class Ended: Sendable {
        let state = Mutex(false)
    }

    /// Starts a program, which is looked for where the variable `PATH` says if it has no slash.
    ///
    /// - Parameters:
    ///   - hasOwnGroup: whether keys that interrupt the command leave the program alone: then the command has to end it.
    /// - Throws: `CommandFailure` if there is no such program.
    init(
        _ program: String, _ arguments: [String], output: Output, hasOwnGroup: Bool = false
    ) throws(CommandFailure) {
        let (id, descriptor) = try Self.start(program, arguments, output, hasOwnGroup)
        self.id = id
        self.hasOwnGroup = hasOwnGroup
        let ended = Ended()
        hasEnded = ended
        let lines: (@Sendable (String) -> Void)? = if case .lines(let lines) = output { lines } else { nil }
        end = Task {
            await suspendingAside {
                var outcome = Outcome()
                if descriptor >= 0 {
                    outcome.output = Self.read(descriptor, lines)
                    close(descriptor)
                }
                var information = siginfo_t()
                // It stays until its end is asked for, so that no other program gets its number meanwhile.
                while waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
                var status: Int32 = 0
                ended.state.withLock { hasEnded in
                    hasEnded = true
                    while waitpid(id, &status, 0) < 0, errno == EINTR {}
                }
                // What `WIFEXITED` and the others do, which are macros of C.
                if status & 0x7F == 0 { outcome.status = status >> 8 & 0xFF } else { outcome.signal = status & 0x7F }
                return outcome
            }
        }
    }

    private static func start(
        _ program: String, _ arguments: [String], _ output: Output, _ hasOwnGroup: Bool
    ) throws(CommandFailure) -> (pid_t, Int32) {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #else
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        // The command passes over the signal for a reader who has left, and the program must not.
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        // Threads that run tasks let no signals through, and a program would take that over: nobody could ask it to end.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        let flags = CInt(POSIX_SPAWN_SETSIGDEF) | CInt(POSIX_SPAWN_SETSIGMASK)
        let group = hasOwnGroup ? CInt(POSIX_SPAWN_SETPGROUP) : 0
        posix_spawnattr_setflags(&attributes, Int16(flags | group))
        // Whoever types at the command does not type at it.
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        var pipes: [Int32] = [-1, -1]
        if case .asNotes = output {
            posix_spawn_file_actions_adddup2(&actions, 2, 1)
        } else {
            guard pipe(&pipes) == 0 else {
                throw CommandFailure(.refused, "there is no pipe: \(String(cString: strerror(errno)))")
            }
            for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
            if case .lines = output { posix_spawn_file_actions_adddup2(&actions, pipes[1], 2) }
        }
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var id = pid_t()
        let code = posix_spawnp(&id, program, &actions, &attributes, words, environ)
        if pipes[1] >= 0 { close(pipes[1]) }
        guard code == 0 else {
            if pipes[0] >= 0 { close(pipes[0]) }
            throw CommandFailure(
                .refused,
                "'\(program)' cannot be started: \(String(cString: strerror(code))); is it installed, and in PATH?")
        }
        return (id, pipes[0])
    }

    /// Reads up to the end. The bytes are given back if nobody wants lines.
    private static func read(_ descriptor: Int32, _ body: (@Sendable (String) -> Void)?) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = piece.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            bytes += piece[..<count]
            guard let body else { continue }
            var start = bytes.startIndex
            while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
                body(String(decoding: bytes[start..<end], as: UTF8.self))
                start = end + 1
            }
            bytes.removeSubrange(..<start)
        }
        guard let body else { return bytes }
        if !bytes.isEmpty { body(String(decoding: bytes, as: UTF8.self)) }
        return []
    }

    /// Sends a signal, if the program has not ended yet.
    func send(_ signal: Int32) {
        hasEnded.state.withLock { hasEnded in
            guard !hasEnded else { return }
            _ = kill(hasOwnGroup ? -id : id, signal)
        }
    }

    /// Waits for the end.
    func finished() async -> Outcome { await end.value }

    /// Waits for the end, and brings it about when so much time has gone by, or when the task is cancelled.
    func finished(within limit: Duration) async -> Outcome {
        let timer = Task {
            try await Task.sleep(for: limit)
            send(SIGKILL)
            return true
        }
        var outcome = await withTaskCancellationHandler {
            await end.value
        } onCancel: {
            send(SIGKILL)
        }
        timer.cancel()
        outcome.hasTimedOut = (try? await timer.value) == true && outcome.signal != nil
        return outcome
    }
}

// Inside of the type the name means its own function.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}
