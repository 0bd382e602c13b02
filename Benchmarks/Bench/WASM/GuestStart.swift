import SpacetimeDurability
import SpacetimeKit
import SpacetimeTestSupport
import SpacetimeWASM

/// How long it takes until a module of about two megabytes runs: compiled, from the cache on disk, and when another database
/// runs it already.
struct GuestStart {
    let rounds: Int
    /// Bytes that the module is made to have.
    let byteCount: Int

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        let module = LargeModule.make(from: try GuestModules.bytes("strokes"), byteCount: byteCount)
        let directory = try TemporaryDirectory()
        var options = WASMOptions()
        var (compiled, cached, shared): ([Double], [Double], [Double]) = ([], [], [])
        var (limitCompiled, limitCached): ([Double], [Double]) = ([], [])
        let code = try LimitHost(module).compiledCode()
        for round in 0..<rounds {
            options.cache = .directory("\(directory.path)/\(round)")
            for times in 0..<2 {
                // The first one compiles and fills the cache, and is gone when the second one comes.
                var first: Database<DynamicModule>?
                let seconds = try seconds { first = try open(module, options) }
                if times == 0 { compiled.append(seconds) } else { cached.append(seconds) }
                if times == 1 { shared.append(try self.seconds { _ = try open(module, options) }) }
                withExtendedLifetime(first) {}
            }
            limitCompiled.append(try seconds { _ = try LimitHost(module) })
            limitCached.append(try seconds { _ = try LimitHost(code, isCompiled: true) })
        }
        let megabytes = ("megabytes", Double(module.count) / 1e6)
        report("spacetimekit", "compiled", [("milliseconds", median(compiled) * 1e3), megabytes])
        report("spacetimekit", "cached", [("milliseconds", median(cached) * 1e3), megabytes])
        report("spacetimekit", "shared", [("milliseconds", median(shared) * 1e3), megabytes])
        report("limit", "compiled", [("milliseconds", median(limitCompiled) * 1e3), megabytes])
        report("limit", "cached", [("milliseconds", median(limitCached) * 1e3), megabytes])
    }

    private func open(_ module: [UInt8], _ options: WASMOptions) throws -> Database<DynamicModule> {
        let module = try WASMModule(bytes: module, name: "large", options: options)
        let database = try Database.open(.inMemory, module: module)
        try database.call("nothing", arguments: [])
        return database
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(body).nanoseconds / 1e9
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// Makes a module larger by functions that nobody calls, each a loop with a branch, as compilers make them.
enum LargeModule {
    static func make(from module: [UInt8], byteCount: Int) -> [UInt8] {
        let count = max(1, (byteCount - module.count) / (function(0).count + 2))
        var sections = sections(of: module)
        for position in sections.indices {
            switch sections[position].id {
            // Types: one more, from two numbers to one.
            case 1: sections[position].bytes = grown(sections[position].bytes, by: 1, [0x60, 2, 0x7f, 0x7f, 1, 0x7f])
            // Functions: their types.
            case 3:
                let type = leb(typeCount(sections))
                let types = Array(repeatElement(type, count: count).joined())
                sections[position].bytes = grown(sections[position].bytes, by: count, types)
            // Code.
            case 10:
                let code = (0..<count).flatMap(function)
                sections[position].bytes = grown(sections[position].bytes, by: count, code)
            default: break
            }
        }
        return Array(module[..<8]) + sections.flatMap { [$0.id] + leb($0.bytes.count) + $0.bytes }
    }

    /// The position of the type that was added.
    private static func typeCount(_ sections: [(id: UInt8, bytes: [UInt8])]) -> Int {
        guard let types = sections.first(where: { $0.id == 1 }) else { return 0 }
        var position = 0
        return number(types.bytes, &position) - 1
    }

    /// A function of about a hundred bytes: `while (n) { a = a * k + n; if (a & 1) a ^= m; n -= 1 }`, unrolled.
    private static func function(_ number: Int) -> [UInt8] {
        var code: [UInt8] = [0, 0x03, 0x40]
        for part in 0..<6 {
            code += [0x20, 0, 0x41] + signed(number &* 31 &+ part) + [0x6c, 0x20, 1, 0x6a, 0x21, 0]
            code +=
                [0x20, 0, 0x41, 1, 0x71, 0x04, 0x40, 0x20, 0, 0x41] + signed(number ^ part) + [0x73, 0x21, 0, 0x0b]
        }
        code += [0x20, 1, 0x41, 1, 0x6b, 0x22, 1, 0x0d, 0, 0x0b, 0x20, 0, 0x0b]
        return leb(code.count) + code
    }

    // MARK: The binary format

    private static func sections(of module: [UInt8]) -> [(id: UInt8, bytes: [UInt8])] {
        var sections: [(id: UInt8, bytes: [UInt8])] = []
        var position = 8
        while position < module.count {
            let id = module[position]
            position += 1
            let count = number(module, &position)
            // Custom sections are left out: names would not fit any more.
            if id != 0 { sections.append((id, Array(module[position..<position + count]))) }
            position += count
        }
        return sections
    }

    /// A list with more items at its end.
    private static func grown(_ list: [UInt8], by count: Int, _ items: [UInt8]) -> [UInt8] {
        var position = 0
        let old = number(list, &position)
        return leb(old + count) + list[position...] + items
    }

    private static func number(_ bytes: [UInt8], _ position: inout Int) -> Int {
        var (value, shift) = (0, 0)
        repeat {
            value |= Int(bytes[position] & 0x7f) << shift
            shift += 7
            position += 1
        } while bytes[position - 1] & 0x80 != 0
        return value
    }

    private static func leb(_ value: Int) -> [UInt8] {
        var (value, bytes) = (value, [UInt8]())
        while value > 0x7f {
            bytes.append(UInt8(value & 0x7f) | 0x80)
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }

    /// In the form for numbers with a sign.
    private static func signed(_ value: Int) -> [UInt8] {
        var (value, bytes) = (Int(Int32(truncatingIfNeeded: value)), [UInt8]())
        while !(-64..<64).contains(value) {
            bytes.append(UInt8(truncatingIfNeeded: value & 0x7f) | 0x80)
            value >>= 7
        }
        return bytes + [UInt8(truncatingIfNeeded: value & 0x7f)]
    }
}
