import SwiftCompilerPlugin
import SwiftSyntaxMacros

@main
struct SpacetimeKitPlugin: CompilerPlugin {
    let providingMacros: [any Macro.Type] = [
        TableMacro.self,
        SpacetimeTypeMacro.self,
        ModuleMacro.self,
        ReducersMacro.self,
        ReducerMacro.self,
        ProcedureMacro.self,
        HandlerMacro.self,
        ViewMacro.self,
        PrimaryKeyMacro.self,
        UniqueMacro.self,
        AutoIncrementMacro.self,
        IndexedMacro.self,
        DefaultMacro.self,
    ]
}
