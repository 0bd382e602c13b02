import ArenaClient

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The terminal as a screen and a keyboard, without lines.
final class RawTerminal {
    enum Key: Equatable {
        case up, down, left, right, stop, leave

        var heading: (dx: Int8, dy: Int8)? {
            switch self {
            case .up: (0, -4)
            case .down: (0, 4)
            case .left: (-8, 0)
            case .right: (8, 0)
            case .stop: (0, 0)
            case .leave: nil
            }
        }
    }

    private var before = termios()

    /// Nil if the program's input is no terminal.
    init?() {
        guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &before) == 0 else { return nil }
        var raw = before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        // A read takes what there is, and waits for nothing.
        withUnsafeMutableBytes(of: &raw.c_cc) { bytes in (bytes[Int(VMIN)], bytes[Int(VTIME)]) = (0, 0) }
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J")
    }

    func restore() {
        write("\u{1B}[?25h\u{1B}[?1049l")
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
        return (min(Int(size.ws_col), 200), min(Int(size.ws_row), 60))
    }

    /// The keys that were pressed since the last time.
    func keys() -> [Key] {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        guard count > 0 else { return [] }
        var keys: [Key] = []
        var rest = bytes[..<count]
        while let byte = rest.popFirst() {
            if byte == 0x1B, rest.first == UInt8(ascii: "[") {
                rest.removeFirst()
                switch rest.popFirst() {
                case UInt8(ascii: "A"): keys.append(.up)
                case UInt8(ascii: "B"): keys.append(.down)
                case UInt8(ascii: "C"): keys.append(.right)
                case UInt8(ascii: "D"): keys.append(.left)
                default: break
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "w"): keys.append(.up)
            case UInt8(ascii: "s"): keys.append(.down)
            case UInt8(ascii: "a"): keys.append(.left)
            case UInt8(ascii: "d"): keys.append(.right)
            case UInt8(ascii: " "): keys.append(.stop)
            case UInt8(ascii: "q"), 3, 4: keys.append(.leave)
            default: break
            }
        }
        return keys
    }

    func draw(_ picture: Picture, status: String) {
        let cut = String(status.prefix(picture.columns))
        write("\u{1B}[H" + picture.lines.joined(separator: "\r\n") + "\r\n\u{1B}[7m\(cut)\u{1B}[0m\u{1B}[K")
    }

    private func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { bytes -> Int in
                #if canImport(Darwin)
                Darwin.write(STDOUT_FILENO, bytes.baseAddress, bytes.count)
                #elseif canImport(Musl)
                Musl.write(STDOUT_FILENO, bytes.baseAddress, bytes.count)
                #else
                Glibc.write(STDOUT_FILENO, bytes.baseAddress, bytes.count)
                #endif
            }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }
}
