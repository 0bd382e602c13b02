import CCRC32C
import SpacetimeSATS

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Compiled code in files, one for each module and engine.
///
/// Wasmtime runs compiled code without looking at it. Whoever can write to a file of the cache can therefore have this
/// program do anything, and so a file is used only if nobody else can have written it: the directory is opened, and then
/// belongs to the program's user and is writable for no one else; the file is opened in there, not through a link, is an
/// ordinary file with one name, and belongs to the user alone as well. Beside that a checksum keeps damage away, which Wasmtime
/// would not notice.
///
/// What is checked is what is run: the file is read once, into memory that nobody else can reach, and that memory is handed to
/// Wasmtime. A file that is mapped would be cheaper by a copy; but somebody who cuts it short while the code runs, as a full
/// disk's clean-up might, would end the program (SIGBUS).
///
/// A file is `code, magic, CRC-32C of the code and of what follows, engine's fingerprint, module's hash`: code first, since
/// Wasmtime wants it at the start. What is not as it should be counts as missing, and is written anew.
struct CompileCache {
    private let directory: String
    private let engine: [UInt8]

    private static let magic: [UInt8] = Array("STWASM02".utf8)
    static let tailByteCount = 8 + 4 + 32 + 32
    /// Larger files than this are not read.
    private static let fileByteLimit = 1 << 30
    /// When there are more files than this, the oldest go.
    static let fileLimit = 64

    /// Nil if there is to be none.
    init?(_ cache: WASMCache, _ engine: WASMEngine) {
        guard let directory = Self.path(of: cache) else { return nil }
        self.directory = directory
        self.engine = engine.fingerprint
    }

    private static func path(of cache: WASMCache) -> String? {
        switch cache.place {
        case .none: return nil
        case .directory(let path): return path
        case .ofUser:
            func variable(_ name: String) -> String? {
                // A path that depends on the working directory would be one of somebody else's choosing.
                unsafe getenv(name).map { unsafe String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
            }
            #if canImport(Darwin)
            let base = variable("HOME").map { $0 + "/Library/Caches" }
            #else
            let base = variable("XDG_CACHE_HOME") ?? variable("HOME").map { $0 + "/.cache" }
            #endif
            return base.map { $0 + "/spacetimekit/wasm" }
        }
    }

    private func name(_ hash: [UInt8]) -> String {
        Hexadecimal.text(Array(hash.prefix(20))) + "-" + Hexadecimal.text(Array(engine.prefix(8))) + ".code"
    }

    /// Whether a file's name is one that a cache gives: the directory may be one with other files in it.
    private static func isName(_ text: String) -> Bool {
        func isHexadecimal(_ digits: Substring.UTF8View, _ count: Int) -> Bool {
            digits.count == count && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isOfCode = parts.count == 2 || parts.count == 5 && parts[4] == "new"
        guard isOfCode, parts[1] == "code" else { return false }
        let hashes = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        return hashes.count == 2 && isHexadecimal(hashes[0].utf8, 40) && isHexadecimal(hashes[1].utf8, 16)
    }

    // MARK: Reading

    /// Calls a body with the code of a module, if there is some that can be trusted: an engine with this one's fingerprint has
    /// made it, for this user.
    func read<Result>(_ hash: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result?) -> Result? {
        guard let folder = openDirectory(creating: false) else { return nil }
        defer { close(folder) }
        // Without waiting: opening what turns out to be a pipe would last until somebody writes to it.
        let file = unsafe openat(folder, name(hash), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var facts = stat()
        guard unsafe fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_nlink == 1,
            Self.belongsToUserAlone(facts), facts.st_size > Self.tailByteCount, facts.st_size <= Self.fileByteLimit,
            let bytes = Self.read(file, Int(facts.st_size))
        else { return nil }
        guard isWhole(bytes, hash) else { return nil }
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe body(UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.tailByteCount)))
        }
    }

    /// Whether these are code of a module for this engine, without damage, and what is behind it.
    private func isWhole(_ bytes: [UInt8], _ hash: [UInt8]) -> Bool {
        let tail = Array(bytes.suffix(Self.tailByteCount))
        guard tail.starts(with: Self.magic), tail[12..<44].elementsEqual(engine), tail[44...].elementsEqual(hash) else {
            return false
        }
        let sum = (0..<4).reduce(UInt32(0)) { $0 | UInt32(tail[8 + $1]) << UInt32($1 * 8) }
        return Self.checksum(of: bytes.dropLast(Self.tailByteCount), and: tail[12...]) == sum
    }

    /// Nil if there are fewer bytes.
    private static func read(_ file: Int32, _ count: Int) -> [UInt8]? {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let start = buffer.baseAddress else { return }
            while initialized < count {
                let done = unsafe pread(file, start + initialized, count - initialized, off_t(initialized))
                if done < 0, errno == EINTR { continue }
                guard done > 0 else { return }
                initialized += done
            }
        }
        return bytes.count == count ? bytes : nil
    }

    private static func checksum(of code: ArraySlice<UInt8>, and facts: ArraySlice<UInt8>) -> UInt32 {
        [code, facts].reduce(UInt32(0)) { sum, bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe bytes.baseAddress.map { unsafe spacetime_crc32c(sum, $0, bytes.count) } ?? sum
            }
        }
    }

    /// Nobody else can have written to it, or can now.
    private static func belongsToUserAlone(_ facts: stat) -> Bool {
        facts.st_uid == geteuid() && facts.st_mode & (S_IWGRP | S_IWOTH) == 0
    }

    /// The directory, if it can be trusted.
    private func openDirectory(creating: Bool) -> Int32? {
        if creating { Self.makeDirectories(directory) }
        let folder = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return nil }
        var facts = stat()
        guard unsafe fstat(folder, &facts) == 0, Self.belongsToUserAlone(facts) else {
            close(folder)
            return nil
        }
        return folder
    }

    private static func makeDirectories(_ path: String) {
        var position = path.startIndex
        while position != path.endIndex {
            let next = path[path.index(after: position)...].firstIndex(of: "/") ?? path.endIndex
            unsafe mkdir(String(path[..<next]), 0o700)
            position = next
        }
    }

    // MARK: Writing

    /// Keeps the code of a module. If that fails it is compiled again the next time.
    func write(_ code: [UInt8], _ hash: [UInt8]) {
        guard code.count < Self.fileByteLimit, let folder = openDirectory(creating: true) else { return }
        defer { close(folder) }
        let facts = engine + hash
        let sum = Self.checksum(of: code[...], and: facts[...])
        let tail = Self.magic + (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32($0 * 8)) } + facts
        // Under a name that nobody reads, so that what is found is whole.
        let temporary = "\(name(hash)).\(getpid()).\(UInt64.random(in: .min ... .max)).new"
        let file = unsafe openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        let isWritten = Self.writeAll(code, to: file) && Self.writeAll(tail, to: file)
        close(file)
        if unsafe !isWritten || renameat(folder, temporary, folder, name(hash)) != 0 {
            unsafe unlinkat(folder, temporary, 0)
        }
        removeOldest(folder)
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            var done = 0
            while done < bytes.count {
                #if canImport(Darwin)
                let count = unsafe Darwin.write(file, start + done, bytes.count - done)
                #elseif canImport(Musl)
                let count = unsafe Musl.write(file, start + done, bytes.count - done)
                #else
                let count = unsafe Glibc.write(file, start + done, bytes.count - done)
                #endif
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
    }

    /// Removes the files that were written the longest ago, if there are many.
    private func removeOldest(_ folder: Int32) {
        // A descriptor of its own, since reading the directory takes it over.
        let copy = unsafe openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { return }
        guard let list = unsafe fdopendir(copy) else {
            close(copy)
            return
        }
        defer { unsafe closedir(list) }
        var files: [(name: String, time: Int)] = []
        // An entry, whose name ends with a zero, is there until the next is asked for.
        while let entry = unsafe readdir(list) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            var facts = stat()
            guard Self.isName(name), unsafe fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 else {
                continue
            }
            #if canImport(Darwin)
            files.append((name, facts.st_mtimespec.tv_sec))
            #else
            files.append((name, facts.st_mtim.tv_sec))
            #endif
        }
        guard files.count > Self.fileLimit else { return }
        for file in files.sorted(by: { $0.time < $1.time }).prefix(files.count - Self.fileLimit) {
            unsafe unlinkat(folder, file.name, 0)
        }
    }
}
