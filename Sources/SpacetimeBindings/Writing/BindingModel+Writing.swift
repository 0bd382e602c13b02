/// A kind of program that code is written for.
package enum BindingTarget: Hashable, Sendable {
    /// SpacetimeClient.
    case swift
    /// Our own TypeScript client, `client.js`, which stands beside the code.
    case typeScript
    /// The original's TypeScript SDK.
    case stockTypeScript
    /// The original's C# SDK.
    case csharp
    /// The original's Rust SDK.
    case rust
}

extension BindingModel {
    /// The code for one kind of program.
    ///
    /// - Throws: all that is in the way of it, with the names that are meant: names that become the same, types that there are not.
    package func bindings(
        for target: BindingTarget, _ options: BindingOptions = BindingOptions()
    ) throws(BindingFailure) -> Bindings {
        var bindings: Bindings
        switch target {
        case .swift: bindings = try SwiftBindings.bindings(of: self, options)
        case .typeScript: bindings = try OwnTypeScriptBindings.bindings(of: self, options)
        case .stockTypeScript: bindings = try StockTypeScriptBindings.bindings(of: self, options)
        case .csharp: bindings = try CSharpBindings.bindings(of: self, options)
        case .rust: bindings = try RustBindings.bindings(of: self, options)
        }
        bindings.warnings = warnings + bindings.warnings
        bindings.addNotes(to: target.mainFile(of: bindings))
        return bindings
    }
}

extension BindingTarget {
    /// The file that everything else is reached from.
    fileprivate func mainFile(of bindings: Bindings) -> String? {
        switch self {
        case .typeScript, .stockTypeScript: "index.ts"
        case .csharp: "SpacetimeDBClient.g.cs"
        case .rust: "mod.rs"
        case .swift: bindings.files.first?.path
        }
    }
}

extension Bindings {
    /// Says in a file what the module has and the code has not: whoever misses it looks there.
    fileprivate mutating func addNotes(to path: String?) {
        guard !warnings.isEmpty, let place = files.firstIndex(where: { $0.path == path }) else { return }
        let notes = ["// What is not as in the module:"] + warnings.map { "// - \($0)" }
        // The mark has to be the first line.
        var lines = files[place].text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines.insert(contentsOf: notes, at: 1)
        files[place] = BindingFile(path: files[place].path, text: lines.joined(separator: "\n"))
    }
}
