import SpacetimeDurability
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Streams of the system, by their descriptors.
struct SystemTerminal: Terminal {
    let input: Int32
    let output: Int32
    let errors: Int32

    /// The streams of this process.
    static let ofProcess = SystemTerminal(input: 0, output: 1, errors: 2)

    private func descriptor(_ stream: StandardStream) -> Int32 {
        switch stream {
        case .input: input
        case .output: output
        case .errors: errors
        }
    }

    func isTerminal(_ stream: StandardStream) -> Bool { isatty(descriptor(stream)) == 1 }

    var width: Int? {
        var size = winsize()
        guard ioctl(output, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    func write(_ bytes: [UInt8], to stream: StandardStream) throws(CommandFailure) {
        let descriptor = descriptor(stream)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                // `written` is less than the count, so that the range is one of the buffer's.
                let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
                return systemWrite(descriptor, rest)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&wanted, 1, -1)
            } else if errno != EINTR {
                // A disk may be full. That is told on the stream that is left.
                if errno == EPIPE { throw CommandFailure(.outputClosed, "nobody reads the output any more") }
                throw CommandFailure(.refused, "the output cannot be written: \(String(cString: strerror(errno)))")
            }
        }
    }

    func read() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = bytes.withUnsafeMutableBytes { systemRead(input, $0) }
            if count >= 0 { return Array(bytes[..<count]) }
            if errno == EAGAIN {
                var wanted = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
                _ = poll(&wanted, 1, -1)
            } else if errno != EINTR {
                // A terminal that has gone is the end of its input.
                return []
            }
        }
    }

    func enterRawMode() -> (@Sendable () -> Void)? {
        var before = termios()
        guard tcgetattr(input, &before) == 0 else { return nil }
        var raw = before
        raw.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
        raw.c_iflag &= ~tcflag_t(IXON | ICRNL | BRKINT | INPCK | ISTRIP)
        // Lines that are edited say themselves where the next one begins.
        raw.c_oflag &= ~tcflag_t(OPOST)
        // Whoever ends the process must not be left with a terminal that shows nothing of what is typed.
        let isOfProcess = input == 0
        if isOfProcess { RawTerminal.restoreAtSignals(before) }
        guard tcsetattr(input, TCSADRAIN, &raw) == 0 else { return nil }
        let input = input
        let restored = before
        return {
            var restored = restored
            _ = tcsetattr(input, TCSADRAIN, &restored)
            if isOfProcess { RawTerminal.isRaw.store(false, ordering: .sequentiallyConsistent) }
        }
    }
}

/// What signals that end the process do first: they give the terminal back as it was.
private enum RawTerminal {
    static let isRaw = Atomic(false)
    // Written before `isRaw` is set for the first time, and never again: each prompt of the process finds the terminal as the
    // first one did. The handler reads it only when `isRaw` is set.
    nonisolated(unsafe) static var before = termios()
    private static let isSet = Mutex(false)

    static func restoreAtSignals(_ state: termios) {
        isSet.withLock { isSet in
            if isSet { return }
            isSet = true
            before = state
            for number in [SIGTERM, SIGHUP, SIGINT, SIGQUIT] { signal(number, giveBackTerminal) }
        }
        isRaw.store(true, ordering: .sequentiallyConsistent)
    }
}

/// Handles a signal that ends the process. Does nothing but what is allowed here: memory that is there, `tcsetattr`, `signal`, `raise`.
private func giveBackTerminal(_ number: Int32) {
    if RawTerminal.isRaw.exchange(false, ordering: .sequentiallyConsistent) {
        tcsetattr(0, TCSANOW, &RawTerminal.before)
    }
    signal(number, SIG_DFL)
    raise(number)
}

extension Terminal {
    /// As ``read()``, on a thread that may wait.
    func next() async -> [UInt8] { await suspendingAside { read() } }
}

// Inside of the type the names mean its own functions.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, bytes.baseAddress, bytes.count)
}
