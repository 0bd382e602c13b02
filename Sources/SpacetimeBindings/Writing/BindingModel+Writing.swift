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
        return bindings
    }
}
