import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeWASM

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Compiled code in files: found again, and trusted only where nobody else can have written it.
@Suite(.needsWasmtime) struct CompileCacheTests {
    private let directory: String
    private let cache: CompileCache

    init() throws {
        var template = Array("/tmp/spacetime-wasm-cache-XXXXXX".utf8CString)
        directory = mkdtemp(&template).map { String(cString: $0) } ?? ""
        cache = try #require(CompileCache(.directory(directory + "/code"), try WASMEngine.shared()))
    }

    private static let hash = [UInt8](repeating: 7, count: 32)

    private func file() throws -> String {
        let list = try #require(opendir(directory + "/code"))
        defer { closedir(list) }
        while let entry = readdir(list) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".code") { return directory + "/code/" + name }
        }
        throw DatabaseError(.internalInconsistency, "there is no file")
    }

    /// The code of a module, as whoever loads it finds it.
    private func read(_ hash: [UInt8]) -> [UInt8]? {
        cache.read(hash) { Array($0) }
    }

    private func write(_ code: [UInt8]) {
        cache.write(code, Self.hash)
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        let code = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(read(Self.hash) == nil)
        write(code)
        #expect(read(Self.hash) == code)
        #expect(read([UInt8](repeating: 8, count: 32)) == nil)
    }

    @Test func whatHappensToTheFileBehindTheCheckIsNotLoaded() throws {
        let code = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        write(code)
        let path = try file()
        let loaded = cache.read(Self.hash) { checked -> [UInt8]? in
            truncate(path, 0)
            rename(path, directory + "/away")
            write([6, 6, 6])
            return Array(checked)
        }
        #expect(loaded == code)
        #expect(read(Self.hash) == [6, 6, 6])
    }

    /// Opening a pipe waits for somebody who writes to it, which nobody may ever do.
    @Test func aPipeInPlaceOfTheFileIsPassedOver() throws {
        write([1, 2, 3])
        let path = try file()
        unlink(path)
        try #require(mkfifo(path, 0o600) == 0)
        #expect(read(Self.hash) == nil)
        write([4, 5, 6])
        #expect(read(Self.hash) == [4, 5, 6])
    }

    /// Compiled code that was mapped from its file would be gone with the file's bytes, and the program with it.
    @Test func codeGoesOnRunningWhenItsFileIsCutShort() throws {
        var text = TextModule()
        text.reducers = [.init(name: "add", body: "(drop (call $insert (i64.const 1) (i32.const 2))) (i32.const 0)")]
        // Long enough that not all of it has been run before.
        text.fields =
            "(global $unique i32 (i32.const \(UInt32.random(in: 0...0x7FFF_FFFF))))"
            + (0..<200).map { "(func (export \"f\($0)\") (result i32) (i32.const \($0)))" }.joined()
        let bytes = try text.bytes
        let place = WASMCache.directory(directory + "/cut")
        do { _ = try CompiledModule.of(bytes, cache: place) }
        let module = try text.module { $0.cache = place }
        #expect(module.program.code.wasCached)
        let folder = directory + "/cut"
        let list = try #require(opendir(folder))
        defer { closedir(list) }
        while let entry = readdir(list) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".code") { #expect(truncate(folder + "/" + name, 0) == 0) }
        }
        let core = try DatabaseCore.open(.memory, module: module.makeHost(), options: OpeningOptions(name: "cut")).core
        try core.runner.call("add", arguments: [], as: core.owner)
    }

    @Test func eachFlippedBitIsNoticed() throws {
        write(Array(0..<64))
        let path = try file()
        let handle = open(path, O_RDWR)
        defer { close(handle) }
        var bytes = [UInt8](repeating: 0, count: 8 + 4 + 64 + 64)
        #expect(pread(handle, &bytes, bytes.count, 0) == bytes.count)
        for position in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes[position] ^ (1 << UInt8(bit))
                pwrite(handle, &changed, 1, off_t(position))
                #expect(read(Self.hash) == nil, "byte \(position), bit \(bit)")
            }
            pwrite(handle, &bytes[position], 1, off_t(position))
        }
        #expect(read(Self.hash) != nil)
        ftruncate(handle, off_t(bytes.count - 1))
        #expect(read(Self.hash) == nil)
    }

    @Test func aFileThatOthersMayWriteToIsNotRead() throws {
        write([1, 2, 3])
        for mode: mode_t in [0o620, 0o602, 0o666] {
            chmod(try file(), mode)
            #expect(read(Self.hash) == nil)
        }
        chmod(try file(), 0o600)
        #expect(read(Self.hash) == [1, 2, 3])
        for mode: mode_t in [0o770, 0o707, 0o1777] {
            chmod(directory + "/code", mode)
            #expect(read(Self.hash) == nil)
        }
        chmod(directory + "/code", 0o700)
        #expect(read(Self.hash) == [1, 2, 3])
    }

    @Test func aFileOfSomebodyElseIsNotRead() throws {
        write([1, 2, 3])
        // Only the system's administrator may give files away.
        guard geteuid() == 0 else { return }
        chown(try file(), 12_345, 12_345)
        #expect(read(Self.hash) == nil)
        chown(try file(), 0, 0)
        chown(directory + "/code", 12_345, 12_345)
        #expect(read(Self.hash) == nil)
    }

    @Test func linksAreNotFollowed() throws {
        write([1, 2, 3])
        let path = try file()
        rename(path, directory + "/elsewhere")
        symlink(directory + "/elsewhere", path)
        #expect(read(Self.hash) == nil)
        unlink(path)
        link(directory + "/elsewhere", path)
        #expect(read(Self.hash) == nil, "a file with two names may be in somebody else's directory, too")
    }

    @Test func onlyTheNewestFilesStay() throws {
        for number in 0..<(CompileCache.fileLimit + 10) {
            cache.write([UInt8(number)], [UInt8](repeating: UInt8(number), count: 32))
        }
        var found = 0
        for number in 0..<(CompileCache.fileLimit + 10)
        where read([UInt8](repeating: UInt8(number), count: 32)) != nil { found += 1 }
        #expect(found == CompileCache.fileLimit)
    }

    /// Somebody may have named a directory with files of theirs.
    @Test func filesOfOthersStay() throws {
        write([1])
        let foreign = (0..<100).flatMap { ["area-\($0).code", "draft-\($0).new", "\($0).code.1.2.new"] }
        for name in foreign { close(open(directory + "/code/" + name, O_CREAT | O_WRONLY, 0o600)) }
        for number in 0..<3 { cache.write([2], [UInt8](repeating: UInt8(number), count: 32)) }
        for name in foreign { #expect(access(directory + "/code/" + name, F_OK) == 0, "\(name)") }
        #expect(read(Self.hash) == [1])
    }

    @Test func aModuleIsCompiledOnceAndSharedByAll() throws {
        var text = TextModule()
        text.fields = "(global $unique i32 (i32.const \(UInt32.random(in: 0...0x7FFF_FFFF))))"
        let bytes = try text.bytes
        let place = WASMCache.directory(directory + "/shared")
        do {
            let first = try CompiledModule.of(bytes, cache: place)
            let second = try CompiledModule.of(bytes, cache: place)
            #expect(first === second)
            #expect(!first.wasCached)
        }
        // Nobody has it any more: it comes from the file.
        let third = try CompiledModule.of(bytes, cache: place)
        #expect(third.wasCached)
    }

    @Test func damagedCodeIsCompiledAnew() throws {
        var text = TextModule()
        text.fields = "(global $unique i32 (i32.const \(UInt32.random(in: 0...0x7FFF_FFFF))))"
        let bytes = try text.bytes
        let place = WASMCache.directory(directory + "/code")
        do { #expect(try !CompiledModule.of(bytes, cache: place).wasCached) }
        let handle = open(try file(), O_RDWR)
        var byte: UInt8 = 0
        pread(handle, &byte, 1, 5_000)
        byte ^= 0x10
        pwrite(handle, &byte, 1, 5_000)
        close(handle)
        do { #expect(try !CompiledModule.of(bytes, cache: place).wasCached) }
        do { #expect(try CompiledModule.of(bytes, cache: place).wasCached, "it was written anew") }
    }
}
