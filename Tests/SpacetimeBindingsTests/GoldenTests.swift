import SpacetimeBindings
import SpacetimeSchema
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What is generated, checked in. `SPACETIME_WRITE_GOLDEN=bindings` writes it anew; what changed is then in the diff.
@Suite struct GoldenTests {
    private static let tests = String(#filePath.dropLast("SpacetimeBindingsTests/GoldenTests.swift".count))

    struct Case: CustomTestStringConvertible {
        let module: String
        let definition: RawModuleDefV10
        let target: BindingTarget
        let folder: String
        var namespace = "SpacetimeDB.Types"

        var testDescription: String { "\(module) as \(folder)" }
    }

    static let cases: [Case] = [
        ("Game", ExampleModules.game), ("Everything", ExampleModules.everything), ("Nested", ExampleModules.nested),
    ].flatMap { (module, definition) -> [Case] in
        let golden = "SpacetimeBindingsTests/Golden/\(module)/"
        return [
            // Compiled as a target of its own, which other tests run.
            Case(
                module: module, definition: definition, target: .swift, folder: "GeneratedCode/", namespace: module),
            Case(module: module, definition: definition, target: .typeScript, folder: golden + "own-typescript/"),
            Case(module: module, definition: definition, target: .stockTypeScript, folder: golden + "typescript/"),
            Case(module: module, definition: definition, target: .csharp, folder: golden + "csharp/"),
            Case(module: module, definition: definition, target: .rust, folder: golden + "rust/"),
        ]
    }

    @Test(arguments: cases) func theCodeIsWhatWasCheckedIn(_ golden: Case) throws {
        let model = try BindingModel(golden.definition)
        let bindings = try model.bindings(for: golden.target, BindingOptions(namespace: golden.namespace))
        let isWriting = getenv("SPACETIME_WRITE_GOLDEN").map { String(cString: $0) } == "bindings"
        for file in bindings.files {
            let path = Self.tests + golden.folder + file.path
            if isWriting { Self.write(file.text, to: path) }
            #expect(file.text == Self.read(path), "\(path) is not what is generated now")
        }
        // One way that is the same every time, whatever order the hashes of this process have.
        let again = try BindingModel(golden.definition).bindings(
            for: golden.target, BindingOptions(namespace: golden.namespace))
        #expect(again.files == bindings.files)
        #expect(Set(bindings.files.map(\.path)).count == bindings.files.count)
    }

    /// A server tells names twice and columns by their canonical names only. The code is the same, but for names of columns
    /// whose words are put together in another way.
    @Test(arguments: cases.filter { $0.module == "Game" })
    func theCodeForARunningServerIsThatForItsModule(_ golden: Case) throws {
        let published = try ModuleSchema(validating: golden.definition).published(golden.definition)
        #expect(published.isPublished)
        let options = BindingOptions(namespace: golden.namespace)
        #expect(
            try BindingModel(published).bindings(for: golden.target, options).files
                == BindingModel(golden.definition).bindings(for: golden.target, options).files)
    }

    private static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func write(_ text: String, to path: String) {
        for (index, character) in zip(path.indices, path) where character == "/" {
            mkdir(String(path[..<index]), 0o755)
        }
        guard let file = fopen(path, "w") else { return }
        defer { fclose(file) }
        fputs(text, file)
    }
}
