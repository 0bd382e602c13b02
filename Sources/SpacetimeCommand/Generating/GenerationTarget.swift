import SpacetimeBindings

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Code that is wanted for a module.
struct GenerationTarget: Hashable {
    /// Where it is learned what the module defines.
    enum Source: Hashable {
        case database(String)
        case file(String)
        case package(String)
        /// What comes through a pipe.
        case input

        /// What the code is called if nobody gave it a name.
        var name: String {
            switch self {
            case .input: return "Module"
            case .database(let name): return name.split(separator: "/").last.map(String.init) ?? "Module"
            case .file(let path), .package(let path):
                let last = path.split(separator: "/").last { $0 != "." && $0 != ".." } ?? "Module"
                return last.split(separator: ".").first.map(String.init) ?? "Module"
            }
        }
    }

    let source: Source
    let language: BindingLanguage
    /// Nil for the usual one.
    let folder: String?
    let namespace: String?
    let includesPrivate: Bool

    /// The same for a package in another folder, whose program is there already.
    func `in`(_ folder: String, builtAs program: String) -> GenerationTarget {
        func inside(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }
        let source: Source =
            switch self.source {
            case .package: .file(program)
            case .file(let path): .file(inside(path))
            case .database, .input: self.source
            }
        return GenerationTarget(
            source: source, language: language, folder: inside(self.folder ?? language.defaultFolder),
            namespace: namespace, includesPrivate: includesPrivate)
    }

    /// The same with what was said on the command line.
    func with(folder: String?, namespace: String?, includesPrivate: Bool) -> GenerationTarget {
        GenerationTarget(
            source: source, language: language, folder: folder ?? self.folder, namespace: namespace ?? self.namespace,
            includesPrivate: includesPrivate || self.includesPrivate)
    }
}

extension BindingLanguage {
    /// Where the code of a language usually is.
    var defaultFolder: String {
        switch self {
        case .typescript, .rust: "src/module_bindings"
        case .csharp: "module_bindings"
        case .swift: "Sources/ModuleBindings"
        }
    }

    /// What a project is written in, by the files that its tools want.
    static func ofProject(in folder: String) -> BindingLanguage? {
        func has(_ name: String) -> Bool { access("\(folder)/\(name)", F_OK) == 0 }
        if has("package.json") { return .typescript }
        if has("Cargo.toml") { return .rust }
        if has("Package.swift") { return .swift }
        return FolderContents.names(in: folder).contains { $0.hasSuffix(".csproj") } ? .csharp : nil
    }
}
