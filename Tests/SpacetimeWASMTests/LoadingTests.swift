import CWasmtime
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeWASM
import Testing

@testable import SpacetimeWASM

/// What modules are refused, and what the errors say.
@Suite(.needsWasmtime) struct LoadingTests {
    private func refusal(_ text: String, _ change: (inout WASMOptions) -> Void = { _ in }) throws -> DatabaseError? {
        var options = WASMOptions()
        options.cache = .none
        change(&options)
        let bytes = try WebAssemblyText.compile(text)
        return #expect(throws: DatabaseError.self) { try WASMModule(bytes: bytes, options: options) }
    }

    private static let exports = """
        (memory (export "memory") 1)
        (func (export "__describe_module__") (param i32))
        (func (export "__call_reducer__") (param i32 i64 i64 i64 i64 i64 i64 i64 i32 i32) (result i32) (i32.const 0))
        """

    @Test func aModuleDescribesItselfAndRuns() throws {
        let module = TextModule(reducers: [
            .init(name: "add", body: "(call $insert (i64.const 7) (i32.const 1))")
        ])
        let db = try Database.open(.inMemory, module: module.module())
        try db.call("add", arguments: [])
        #expect(try Array(db.sql("SELECT * FROM item")).count == 1)
    }

    @Test func bytesThatAreNoModuleAreRefused() throws {
        for bytes in [[], [1, 2, 3], Array("\0asm".utf8)] as [[UInt8]] {
            let error = #expect(throws: DatabaseError.self) { try WASMModule(bytes: bytes) }
            #expect(error?.code == .invalidModule)
        }
        let error = #expect(throws: DatabaseError.self) { try WASMModule(contentsOf: "/nowhere/at.wasm") }
        #expect(error?.code == .storageFailure)
    }

    @Test func anUnknownImportIsNamed() throws {
        for (module, name) in [
            ("spacetime_10.0", "datastore_clear"), ("spacetime_10.5", "row_iter_bsatn_close"), ("env", "abort"),
            ("spacetime_10.0", "no_such"),
        ] {
            let error = try refusal(
                #"(module (import "spacetime_10.0" "identity" (func (param i32)))"#
                    + #"(import "\#(module)" "\#(name)" (func (param i32) (result i32))) \#(Self.exports))"#)
            #expect(error?.code == .invalidModule)
            #expect(error?.message.contains("'\(name)' of '\(module)'") == true)
        }
        let memory = try refusal(
            #"(module (import "spacetime_10.0" "memory" (memory 1)) (func (export "f")))"#)
        #expect(memory?.message.contains("'memory' of 'spacetime_10.0'") == true)
    }

    @Test func anImportOfAnotherTypeIsRefused() throws {
        let error = try refusal(
            #"(module (import "spacetime_10.0" "identity" (func (param i64))) \#(Self.exports))"#)
        #expect(error?.message.contains("'identity' of 'spacetime_10.0' as something else") == true)
    }

    /// Wasmtime's own functions for types end the program over some of these.
    @Test(arguments: [
        "(type $f (func)) (func (export \"f\") (param (ref $f)))",
        "(func (export \"f\") (param (ref null struct)) (result i31ref) (unreachable))",
        "(type $f (func)) (import \"spacetime_10.0\" \"identity\" (func (param (ref null $f))))",
        "(func (export \"f\") (param exnref))", "(tag (export \"t\"))",
        "(import \"spacetime_10.0\" \"identity\" (tag))", "(type $s (struct)) (table (export \"t\") 1 (ref null $s))",
        "(type $a (array i8)) (global (export \"g\") (ref null $a) (ref.null $a))",
    ]) func typesThatNoModuleHasAreRefused(_ fields: String) throws {
        let bytes: [UInt8]
        let identity = #"(import "spacetime_10.0" "identity" (func (param i32)))"#
        bytes = try WebAssemblyText.compile(
            fields.contains("import") ? "(module \(fields))" : "(module \(identity) \(Self.exports) \(fields))")
        let error = #expect(throws: DatabaseError.self) { try WASMModule(bytes: bytes) }
        #expect(error?.code == .invalidModule)
    }

    @Test func typesOfOtherExportsDoNotMatter() throws {
        var module = TextModule()
        module.fields = """
            (func (export "vector") (param v128 f32 externref funcref) (result v128 f64) (local.get 0) (f64.const 1))
            (global (export "g") v128 (v128.const i64x2 1 2)) (table (export "t") 1 externref)
            """
        _ = try module.module()
        let error = try refusal(
            #"(module (import "spacetime_10.0" "identity" (func (param v128))) \#(Self.exports))"#)
        #expect(error?.message.contains("as something else") == true)
    }

    @Test func versionsAreChecked() throws {
        for (module, word) in [
            ("spacetime_11.0", "version 11.0"), ("spacetime_10.6", "version 10.6"), ("spacetime_9.0", "version 9.0"),
            ("spacetime_ten", "no version"), ("spacetime_10.0.1", "no version"), ("spacetime_+10.0", "no version"),
        ] {
            let error = try refusal(
                #"(module (import "\#(module)" "identity" (func (param i32))) \#(Self.exports))"#)
            #expect(error?.message.contains(word) == true, "\(module)")
        }
        let none = try refusal("(module \(Self.exports))")
        #expect(none?.message.contains("it imports nothing of 'spacetime_10.0'") == true)
    }

    @Test func missingExportsAreNamed() throws {
        let identity = #"(import "spacetime_10.0" "identity" (func (param i32)))"#
        let noMemory = try refusal("(module \(identity))")
        #expect(noMemory?.message.contains("'memory'") == true)
        let noDescription = try refusal("(module \(identity) (memory (export \"memory\") 1))")
        #expect(noDescription?.message.contains("'__describe_module__'") == true)
        let wrongType = try refusal(
            "(module \(identity) (memory (export \"memory\") 1) (func (export \"__describe_module__\")))")
        #expect(wrongType?.message.contains("'__describe_module__' is no function of its type") == true)
        let wrongInitializer = try refusal(
            "(module \(identity) \(Self.exports) (func (export \"__preinit__1\") (param i32)))")
        #expect(wrongInitializer?.message.contains("'__preinit__1'") == true)
        let nothing = try refusal("(module \(identity) \(Self.exports))")
        #expect(nothing?.message.contains("describes itself by nothing") == true)
    }

    @Test func aModuleThatBreaksOffWhileItStartsIsRefused() throws {
        var module = TextModule()
        module.start = "(unreachable)"
        let error = #expect(throws: DatabaseError.self) { try module.module() }
        #expect(error?.code == .invalidModule)
        #expect(error?.message.contains("its '__describe_module__' broke off") == true)
        module.start = "(loop $again (br $again))"
        let endless = #expect(throws: DatabaseError.self) {
            try module.module { $0.limits.startDuration = .milliseconds(50) }
        }
        #expect(endless?.message.contains("longer than 0.05 seconds, which is WASMLimits.startDuration") == true)
    }

    @Test func whatWritesTooLargeAMemoryIsRefused() throws {
        var module = TextModule()
        module.memory = "(memory (export \"memory\") 20000)"
        let error = #expect(throws: DatabaseError.self) {
            try module.module { $0.limits.memoryByteLimit = 64 << 20 }
        }
        #expect(error?.code == .invalidModule)
        #expect(error?.message.contains("WASMLimits.memoryByteLimit is 67108864 bytes") == true)
    }

    /// Not none.
    @Test func aNegativeLimitOfMemoryIsZero() throws {
        let error = #expect(throws: DatabaseError.self) { try TextModule().module { $0.limits.memoryByteLimit = -1 } }
        #expect(error?.message.contains("exceeds memory limits") == true)
    }

    @Test func filesThatAreNoModuleAreNamedForWhatTheyAre() throws {
        for (bytes, word) in [
            ([], "there are none"), (Array("\u{7f}ELF".utf8), "is it the right file?"),
            (Array("\n  (module)".utf8), "they are text"), (Array("\0asm\u{0d}\0\u{1}\0".utf8), "component"),
        ] as [([UInt8], String)] {
            let error = #expect(throws: DatabaseError.self) { try WASMModule(bytes: bytes) }
            #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
        }
    }

    @Test(arguments: [
        "(memory 1)", "(memory (export \"m\") 1 2 shared)", "(memory i64 1)", "(table i64 1 funcref)",
        "(type $s (struct (field i32)))", "(tag $t)", "(memory 1 (pagesize 1))",
    ]) func proposalsThatAreNotOfferedAreNamedInOneLine(_ fields: String) throws {
        var module = TextModule()
        module.fields = fields
        let error = #expect(throws: DatabaseError.self) { try module.module() }
        #expect(error?.message.contains("failed to parse WebAssembly module: ") == true)
        #expect(error?.message.contains("\n") == false)
    }

    @Test func wasiIsAnsweredUnlessItIsForbidden() throws {
        var module = TextModule()
        module.imports = [#"(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))"#]
        _ = try module.module()
        let error = #expect(throws: DatabaseError.self) { try module.module { $0.allowsWASI = false } }
        #expect(error?.message.contains("WASMOptions.allowsWASI") == true)
        // Nobody is told to allow what is allowed.
        module.imports = [#"(import "wasi_snapshot_preview1" "path_dream" (func (result i32)))"#]
        let unknown = #expect(throws: DatabaseError.self) { try module.module() }
        #expect(unknown?.message.contains("the host does not have") == true)
        #expect(unknown?.message.contains("allowsWASI") == false)
    }

    @Test func theOrderOfTheStartIsThatOfTheNames() throws {
        // Each step notes its number, and the description is refused unless all have come in order.
        var module = TextModule()
        func step(_ export: String, _ number: Int) -> String {
            """
            (func (export "\(export)")
              (if (i32.ne (global.get $step) (i32.const \(number - 1))) (then unreachable))
              (global.set $step (i32.const \(number))))
            """
        }
        module.fields = """
            (global $step (mut i32) (i32.const 0))
            \(step("_initialize", 1)) \(step("__preinit__10_b", 2)) \(step("__preinit__2_a", 3))
            \(step("__preinit__9", 4))
            (func (export "__setup__") (param i32) (result i32)
              (if (i32.ne (global.get $step) (i32.const 4)) (then unreachable))
              (global.set $step (i32.const 5)) (i32.const 0))
            """
        module.start = "(if (i32.ne (global.get $step) (i32.const 5)) (then unreachable))"
        _ = try module.module()
    }

    @Test func aSetupThatFailsSaysWhy() throws {
        var module = TextModule()
        module.fields = """
            (data (i32.const 3000) "out of seeds")
            (func (export "__setup__") (param $sink i32) (result i32)
              (i32.store (i32.const 3100) (i32.const 12))
              (drop (call $bytes_sink_write (local.get $sink) (i32.const 3000) (i32.const 3100)))
              (i32.const 1))
            """
        let error = #expect(throws: DatabaseError.self) { try module.module() }
        #expect(error?.message.contains("out of seeds") == true)
    }

    @Test func badArgumentsDoNotReachTheModule() throws {
        let module = TextModule(reducers: [
            .init(name: "take", parameters: [("a", .u32), ("b", .string)], body: "(unreachable)")
        ])
        let db = try Database.open(.inMemory, module: module.module())
        for bytes in [[], [1], [1, 0, 0, 0], [1, 0, 0, 0, 9, 0, 0, 0]] as [[UInt8]] {
            let error = #expect(throws: DatabaseError.self) { try db.call("take", arguments: bytes) }
            #expect(error?.code == .badArguments)
        }
    }
}

/// Where the library is looked for, and what is said if it is not there.
@Suite struct LibraryTests {
    @Test func aMissingLibrarySaysWhatToDo() {
        var problem: UnsafeMutablePointer<CChar>?
        #expect(cwasmtime_load("/nowhere/libwasmtime.so", &problem) == nil)
        let error = WasmtimeLibrary.missing([problem.map { String(cString: $0) } ?? ""])
        #expect(error.code == .moduleFailure)
        for part in ["/nowhere/libwasmtime.so", "make wasmtime", "SPACETIME_WASMTIME"] {
            #expect(error.message.contains(part))
        }
    }

    @Test func aLibraryThatIsAnotherOneIsRefused() {
        var problem: UnsafeMutablePointer<CChar>?
        #if os(Linux)
        #expect(cwasmtime_load("libm.so.6", &problem) == nil)
        #expect(problem.map { String(cString: $0) }?.contains("it has no function wasm") == true)
        #endif
    }

    @Test func theVariableAloneCounts() {
        #expect(WasmtimeLibrary.candidates(named: "/a/b.so") == ["/a/b.so"])
        #expect(WasmtimeLibrary.candidates(named: nil).last == WasmtimeLibrary.fileName)
        #expect(WasmtimeLibrary.candidates(named: "").last == WasmtimeLibrary.fileName)
    }
}
