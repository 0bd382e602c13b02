import NIOPosix
public import SpacetimeClient

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Keeps tokens in files of one directory, a file for each key, which only the user can read.
///
/// Who has the file is the user to the server: keep the directory out of backups that others read.
public struct FileTokenStore: TokenStore {
    /// Why a token could not be kept or found.
    public struct Failure: Error, CustomStringConvertible {
        /// The file or directory.
        public let path: String
        /// The number that the system gives the error.
        public let code: Int32

        public var description: String { "\(path): \(String(cString: strerror(code)))" }
    }

    /// Where the files are.
    public let directory: String

    /// A store in a directory, which is made when the first token is kept; the one that it is in must be there.
    public init(directory: String) { self.directory = directory }

    /// The token that was kept under a key.
    ///
    /// - Throws: ``Failure`` if there is a file that cannot be read.
    public func token(for key: String) async throws -> String? {
        let path = path(for: key)
        return try await NIOThreadPool.singleton.runIfActive { try Self.read(path) }
    }

    /// Keeps a token, in a new file that takes the old one's place at once; or removes the file.
    ///
    /// - Throws: ``Failure``.
    public func setToken(_ token: String?, for key: String) async throws {
        let (directory, path) = (directory, path(for: key))
        try await NIOThreadPool.singleton.runIfActive {
            guard let token else {
                guard unlink(path) == 0 || errno == ENOENT else { throw Failure(path: path, code: errno) }
                return
            }
            guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
                throw Failure(path: directory, code: errno)
            }
            try Self.write(token, to: path)
        }
    }

    /// A file name of the key: what is no letter, digit, dot or dash is spelled out, so that no two keys share one.
    private func path(for key: String) -> String {
        var name = ""
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            default: name += "_\(String(byte, radix: 16))_"
            }
        }
        return "\(directory)/\(name).token"
    }

    private static func read(_ path: String) throws -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw Failure(path: path, code: errno)
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unistdRead(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(path: path, code: errno) }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        // Editors, and people who use `echo`, end a file with a line end.
        func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
        while bytes.last.map(isBlank) == true { bytes.removeLast() }
        let text = String(decoding: bytes.drop(while: isBlank), as: UTF8.self)
        return text.isEmpty ? nil : text
    }

    private static func write(_ token: String, to path: String) throws {
        let new = "\(path).new"
        let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(path: new, code: errno) }
        var rest = Array(token.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { unistdWrite(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                close(file)
                throw Failure(path: new, code: code)
            }
            rest = rest.dropFirst(count)
        }
        close(file)
        guard rename(new, path) == 0 else { throw Failure(path: path, code: errno) }
    }
}

// The names of the system's functions are those of ours.
private func unistdRead(_ file: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(file, bytes, count)
}
private func unistdWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(file, bytes, count) }
