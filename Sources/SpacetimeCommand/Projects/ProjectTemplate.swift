import ArgumentParser
import SpacetimeBindings
import SpacetimeSchema

/// What a new package begins with.
enum ProjectTemplate: String, CaseIterable, ExpressibleByArgument {
    case chat, game, tracker, empty

    /// What the enum with the reducers is called. Only that of the empty one has no name of its own.
    fileprivate var module: String {
        switch self {
        case .chat: "Chat"
        case .game: "Game"
        case .tracker: "Tracker"
        case .empty: "App"
        }
    }

    fileprivate var database: [UInt8] {
        switch self {
        case .chat: PackageResources.ChatDatabase_swift
        case .game: PackageResources.GameDatabase_swift
        case .tracker: PackageResources.TrackerDatabase_swift
        case .empty: PackageResources.EmptyDatabase_swift
        }
    }

    fileprivate var tests: [UInt8] {
        switch self {
        case .chat: PackageResources.ChatDatabaseTests_swift
        case .game: PackageResources.GameDatabaseTests_swift
        case .tracker: PackageResources.TrackerDatabaseTests_swift
        case .empty: PackageResources.EmptyDatabaseTests_swift
        }
    }

    fileprivate var page: [UInt8] {
        switch self {
        case .chat: PackageResources.Chat_html
        case .game: PackageResources.Game_html
        case .tracker: PackageResources.Tracker_html
        case .empty: PackageResources.Empty_html
        }
    }

    /// What all pages begin with, and then what this one does.
    fileprivate var script: [UInt8] {
        let own =
            switch self {
            case .chat: PackageResources.Chat_js
            case .game: PackageResources.Game_js
            case .tracker: PackageResources.Tracker_js
            case .empty: PackageResources.Empty_js
            }
        return PackageResources.Page_js + own
    }
}

/// A package out of a template.
struct ProjectPackage {
    let name: String
    let template: ProjectTemplate
    let kit: KitLocation

    /// What the database is called on the server.
    var databaseName: String { CaseConversion.snake(name).replacing("_", with: "-") }
    /// The target with tables and reducers.
    private var target: String { CaseConversion.pascal(name) + "Database" }

    /// All files. The sources are compiled by this package's own tests, with other names.
    var files: [BindingFile] {
        [
            BindingFile(path: "Package.swift", text: manifest),
            BindingFile(path: "README.md", text: readme),
            BindingFile(path: ".gitignore", text: ".build\ndata\n"),
            BindingFile(path: "spacetime.json", text: configuration),
            file("Sources/Database/\(template.module).swift", template.database),
            file("Sources/Serve/Serve.swift", PackageResources.Serve_swift),
            file("Sources/Serve/Page/index.html", template.page),
            file("Sources/Serve/Page/page.js", template.script),
            file("Tests/DatabaseTests/\(template.module)Tests.swift", template.tests),
        ]
    }

    private func file(_ path: String, _ bytes: [UInt8]) -> BindingFile {
        let text = String(decoding: bytes, as: UTF8.self)
            .replacing("TemplateDatabase", with: target)
            .replacing("Template", with: template.module)
            .replacing("template-name", with: databaseName)
        return BindingFile(path: path, text: text)
    }

    /// What the package manager calls the packages that this one needs. None of them may have its name.
    var dependencies: [String] { [kit.identity, "hummingbird", "swift-http-types", "swift-log", "swift-nio"] }

    private var manifest: String {
        let kitName = KitLocation.quoted(kit.identity)
        return """
            // swift-tools-version: 6.2
            import PackageDescription

            let package = Package(
                name: "\(name)",
                platforms: [.macOS(.v26)],
                dependencies: [
                    \(kit.dependency),
                    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
                    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
                    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
                    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
                ],
                targets: [
                    // Tables and reducers. Clients in Swift can share them.
                    .target(
                        name: "\(target)", dependencies: [.product(name: "SpacetimeKit", package: \(kitName))],
                        path: "Sources/Database"),
                    .executableTarget(
                        name: "serve",
                        dependencies: [
                            "\(target)",
                            .product(name: "SpacetimeKit", package: \(kitName)),
                            .product(name: "SpacetimeServer", package: \(kitName)),
                            .product(name: "Hummingbird", package: "hummingbird"),
                            .product(name: "HTTPTypes", package: "swift-http-types"),
                            .product(name: "Logging", package: "swift-log"),
                            .product(name: "NIOCore", package: "swift-nio"),
                        ],
                        path: "Sources/Serve", resources: [.embedInCode("Page")]),
                    .testTarget(
                        name: "DatabaseTests",
                        dependencies: [
                            "\(target)",
                            .product(name: "SpacetimeKit", package: \(kitName)),
                            .product(name: "SpacetimeTesting", package: \(kitName)),
                        ]),
                ]
            )

            """
    }

    private var configuration: String {
        """
        {
          "database": "\(databaseName)",
          "module-path": ".",
          "generate": []
        }

        """
    }

    private var readme: String {
        """
        # \(name)

        A database with a server and a page, made with SpacetimeKit.

        | | |
        | --- | --- |
        | `spacetimekit dev` | builds, serves on http://127.0.0.1:3000, and builds again when a source changes |
        | `swift run serve --port 3000 --data data` | the same without the watching |
        | `swift test` | the tests of the database |
        | `spacetimekit sql \(databaseName)` | asks the running server |

        - `Sources/Database`: tables, and the reducers that change them.
        - `Sources/Serve`: the program, and the page that it serves.
        - `data`: what is kept; remove it to begin anew.
        - `spacetime.json`: what code for clients is generated, such as
          `{ "language": "typescript", "out-dir": "web/src/module_bindings" }` in `generate`.

        """
    }
}
