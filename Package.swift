// swift-tools-version: 6.2
import CompilerPluginSupport
import PackageDescription

/// Settings of every target of this package.
let common: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

/// Targets that handle raw memory say so at every use.
let strictMemory: Set<String> = [
    "SpacetimeDurability", "SpacetimeEngine", "SpacetimeSATS", "SpacetimeWASM", "SpacetimeKitIsolationTests",
]

/// Tests that are built as a new app is, whose code belongs to the main actor.
let mainActor: Set<String> = ["SpacetimeKitIsolationTests"]

/// Targets without Swift in them.
let cTargets: Set<String> = [
    "CSQLite", "CAllocationCounter", "CSanitizerSupport", "CBLAKE3", "CPrefetch", "CCRC32C", "CLZ4", "CThreads",
    "CZlib", "CBrotli", "CSocketPoller", "CWasmtime", "CWasmLimit",
]

let package = Package(
    name: "SpacetimeKit",
    platforms: [.macOS(.v26), .iOS(.v26)],
    products: [
        .library(name: "SpacetimeKit", targets: ["SpacetimeKit"]),
        .library(name: "SpacetimeServer", targets: ["SpacetimeServer"]),
        .library(name: "SpacetimeWASM", targets: ["SpacetimeWASM"]),
        .library(name: "SpacetimeProtocol", targets: ["SpacetimeProtocol"]),
        .library(name: "SpacetimeClient", targets: ["SpacetimeClient"]),
        .library(name: "SpacetimeClientNIO", targets: ["SpacetimeClientNIO"]),
        .library(name: "SpacetimeClientKit", targets: ["SpacetimeClientKit"]),
        .library(name: "SpacetimeTesting", targets: ["SpacetimeTesting"]),
        .library(name: "SpacetimeSQLiteExport", targets: ["SpacetimeSQLiteExport"]),
        .library(name: "SpacetimeFoundation", targets: ["SpacetimeFoundation"]),
        .executable(name: "spacetimekit", targets: ["spacetimekit-program"]),
        .executable(name: "chat", targets: ["chat"]),
        .executable(name: "chat-server", targets: ["chat-server"]),
        .executable(name: "chat-client", targets: ["chat-client"]),
        .executable(name: "arena", targets: ["arena"]),
    ],
    dependencies: [
        // The macros compile, and pass their tests, with 600.0.1, 602.0.0 and 603.0.1. A wide range, because a program has one
        // version of swift-syntax for all packages with macros that it uses.
        .package(url: "https://github.com/swiftlang/swift-syntax", "600.0.1"..<"604.0.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),

        // The server. A program that does not import SpacetimeServer builds none of these.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.9.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.9.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.24.0"),
        // For tests: tokens that other code than ours has made.
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        .target(name: "CBLAKE3"),
        .target(name: "SpacetimeSATS", dependencies: ["CBLAKE3"]),
        .target(name: "SpacetimeSchema", dependencies: ["SpacetimeSATS"]),
        .target(name: "CPrefetch"),
        .target(name: "SpacetimeEngine", dependencies: ["SpacetimeSchema", "SpacetimeSATS", "CPrefetch"]),
        .target(name: "CCRC32C"),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),
        .target(name: "SpacetimeDurability", dependencies: ["CCRC32C", "CLZ4", "CPrefetch"]),
        .target(
            name: "SpacetimeQuery", dependencies: ["SpacetimeEngine", "SpacetimeSchema", "SpacetimeSATS"]),
        .target(name: "CThreads"),
        .target(
            name: "SpacetimeHost",
            dependencies: [
                "SpacetimeQuery", "SpacetimeEngine", "SpacetimeDurability", "SpacetimeSchema", "SpacetimeSATS",
                "CThreads",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ]),
        .target(name: "SpacetimeProtocol", dependencies: ["SpacetimeSATS"]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(
            name: "CBrotli", pkgConfig: "libbrotlienc", providers: [.apt(["libbrotli-dev"]), .brew(["brotli"])]),
        .target(
            name: "SpacetimeCompression",
            dependencies: [
                "SpacetimeProtocol", "SpacetimeSATS", "CZlib", "CBrotli",
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .target(name: "SpacetimeClient", dependencies: ["SpacetimeProtocol", "SpacetimeSATS", "CPrefetch"]),
        .target(
            name: "SpacetimeClientNIO",
            dependencies: [
                "SpacetimeClient", "SpacetimeCompression", "SpacetimeProtocol",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        .target(
            name: "SpacetimeServer",
            dependencies: [
                "SpacetimeKit", "SpacetimeHost", "SpacetimeProtocol", "SpacetimeEngine", "SpacetimeQuery",
                "SpacetimeSchema", "SpacetimeSATS", "SpacetimeCompression",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("Inspector/Page"), .embedInCode("Client/Library")]),
        .macro(
            name: "SpacetimeKitMacros",
            dependencies: [
                .product(name: "SwiftSyntax", package: "swift-syntax"),
                .product(name: "SwiftSyntaxBuilder", package: "swift-syntax"),
                .product(name: "SwiftSyntaxMacros", package: "swift-syntax"),
                .product(name: "SwiftCompilerPlugin", package: "swift-syntax"),
                .product(name: "SwiftDiagnostics", package: "swift-syntax"),
            ]),
        .target(
            name: "SpacetimeKit",
            dependencies: [
                "SpacetimeHost", "SpacetimeDurability", "SpacetimeEngine", "SpacetimeSchema", "SpacetimeSATS",
                "SpacetimeKitMacros",
            ]),
        // The client for the row types and reducers of a module that the program shares with the server. By itself, since it
        // brings the whole database along, which programs with descriptions of tables, or generated ones, do without.
        .target(
            name: "SpacetimeClientKit",
            dependencies: [
                "SpacetimeClient", "SpacetimeKit", "SpacetimeHost", "SpacetimeQuery", "SpacetimeEngine",
                "SpacetimeSchema",
                "SpacetimeProtocol", "SpacetimeSATS",
            ]),
        .target(
            name: "SpacetimeTesting",
            dependencies: [
                "SpacetimeKit", "SpacetimeHost", "SpacetimeDurability", "SpacetimeEngine", "SpacetimeSchema",
                "SpacetimeSATS",
            ]),

        .target(
            name: "SpacetimeSQLiteExport",
            dependencies: [
                "SpacetimeKit", "SpacetimeHost", "SpacetimeDurability", "SpacetimeEngine", "SpacetimeSchema",
                "SpacetimeSATS", "CSQLite",
            ]),

        .target(name: "SpacetimeFoundation", dependencies: ["SpacetimeSATS"]),

        // Modules in WebAssembly. Wasmtime's library is loaded when the first one is: nothing is linked.
        .target(name: "CWasmtime", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
        .target(
            name: "SpacetimeWASM",
            dependencies: [
                "SpacetimeKit", "SpacetimeHost", "SpacetimeDurability", "SpacetimeEngine", "SpacetimeSchema",
                "SpacetimeSATS", "CWasmtime", "CCRC32C",
            ]),

        // Code for clients, out of what a module defines.
        .target(name: "SpacetimeBindings", dependencies: ["SpacetimeSchema", "SpacetimeSATS"]),

        // The command line. Its program cannot be a target named `spacetimekit`: file systems that do not tell capital letters
        // from small ones would put it where SpacetimeKit is.
        .target(
            name: "SpacetimeCommand",
            dependencies: [
                "SpacetimeServer", "SpacetimeClient", "SpacetimeClientNIO", "SpacetimeWASM", "SpacetimeSQLiteExport",
                "SpacetimeHost", "SpacetimeDurability", "SpacetimeEngine", "SpacetimeSchema", "SpacetimeSATS",
                "SpacetimeBindings",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("Templates")]),
        .executableTarget(
            name: "spacetimekit-program", dependencies: ["SpacetimeCommand"], path: "Sources/Program"),

        // Examples
        .target(name: "ChatModule", dependencies: ["SpacetimeKit"], path: "Examples/Chat/Module"),
        .executableTarget(name: "chat", dependencies: ["ChatModule", "SpacetimeKit"], path: "Examples/Chat/Terminal"),
        .executableTarget(
            name: "chat-client",
            dependencies: [
                "ChatModule", "SpacetimeClientKit", "SpacetimeClientNIO",
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/ChatClient"),
        .testTarget(
            name: "ChatTests", dependencies: ["ChatModule", "SpacetimeTesting"], path: "Examples/Chat/Tests"),
        .executableTarget(
            name: "chat-server",
            dependencies: [
                "ChatModule", "SpacetimeServer", "SpacetimeKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Examples/ChatServer",
            resources: [.embedInCode("Page")]),
        // A game loop, a client that draws it, and bots that measure it.
        .target(name: "ArenaModule", dependencies: ["SpacetimeKit"], path: "Examples/Arena/Module"),
        .target(
            name: "ArenaClient", dependencies: ["ArenaModule", "SpacetimeClientKit", "SpacetimeKit"],
            path: "Examples/Arena/Client"),
        .executableTarget(
            name: "arena",
            dependencies: [
                "ArenaModule", "ArenaClient", "SpacetimeServer", "SpacetimeClientKit", "SpacetimeClientNIO",
                "SpacetimeKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Examples/Arena/Program"),
        .testTarget(
            name: "ArenaTests",
            dependencies: ["ArenaModule", "ArenaClient", "SpacetimeClientKit", "SpacetimeTesting", "SpacetimeKit"],
            path: "Examples/Arena/Tests"),
        .target(
            name: "LeaderboardModule", dependencies: ["SpacetimeKit"], path: "Examples/Leaderboard/Module"),
        .testTarget(
            name: "LeaderboardTests", dependencies: ["LeaderboardModule", "SpacetimeTesting", "SpacetimeKit"],
            path: "Examples/Leaderboard/Tests"),

        // A Swift database and a Rust one; the Rust part is built by Tests/Modules/build.
        .target(
            name: "MixedGame", dependencies: ["SpacetimeKit", "SpacetimeWASM"], path: "Examples/MixedModules/Game"),
        .executableTarget(
            name: "mixed-modules",
            dependencies: [
                "MixedGame", "SpacetimeKit", "SpacetimeWASM",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/MixedModules/Program"),
        .testTarget(
            name: "MixedModulesTests", dependencies: ["MixedGame", "SpacetimeKit", "SpacetimeWASM"],
            path: "Examples/MixedModules/Tests"),

        // Benchmarks
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .target(name: "CAllocationCounter", path: "Benchmarks/CAllocationCounter"),
        .target(name: "CSocketPoller", path: "Benchmarks/CSocketPoller"),
        .target(name: "CWasmLimit", dependencies: ["CWasmtime"], path: "Benchmarks/CWasmLimit"),
        .target(name: "BenchHarness", path: "Benchmarks/Harness"),
        .target(
            name: "CrashSweep", dependencies: ["SpacetimeKit", "SpacetimeTesting"], path: "Benchmarks/CrashSweep"),
        .executableTarget(
            name: "bench",
            dependencies: [
                "SpacetimeKit", "SpacetimeHost", "SpacetimeQuery", "SpacetimeEngine", "SpacetimeSchema",
                "SpacetimeSATS", "SpacetimeProtocol",
                "SpacetimeDurability", "SpacetimeTesting", "SpacetimeTestSupport", "SpacetimeWASM", "SpacetimeClient",
                "SpacetimeClientKit",
                "BenchHarness", "CrashSweep", "CSQLite", "CAllocationCounter", "CWasmtime", "CWasmLimit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/Bench"),
        .executableTarget(
            name: "bench-server",
            dependencies: [
                "BenchHarness", "CAllocationCounter", "CSocketPoller", "SpacetimeServer", "SpacetimeKit",
                "SpacetimeHost",
                "SpacetimeDurability",
                "SpacetimeSATS", "SpacetimeTestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/ServerBench"),

        // Tests
        .target(
            name: "SpacetimeTestSupport",
            dependencies: ["SpacetimeHost", "SpacetimeEngine", "SpacetimeSchema", "SpacetimeSATS"],
            path: "Tests/SpacetimeTestSupport"),
        .target(
            name: "SpacetimeServerTestSupport",
            dependencies: [
                "SpacetimeServer", "SpacetimeClient", "SpacetimeProtocol",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/SpacetimeServerTestSupport"),
        .testTarget(name: "SpacetimeSATSTests", dependencies: ["SpacetimeSATS"], exclude: ["Vectors"]),
        .testTarget(
            name: "SpacetimeProtocolTests", dependencies: ["SpacetimeProtocol", "SpacetimeSATS"], exclude: ["Vectors"]),
        .testTarget(
            name: "SpacetimeClientTests",
            dependencies: ["SpacetimeClient", "SpacetimeProtocol", "SpacetimeSATS", "SpacetimeTestSupport"]),
        .testTarget(
            name: "SpacetimeClientKitTests",
            dependencies: [
                "SpacetimeClientKit", "SpacetimeClientNIO", "SpacetimeClient", "SpacetimeServer", "SpacetimeKit",
                "SpacetimeTestSupport", "SpacetimeServerTestSupport", "SpacetimeHost", "SpacetimeProtocol",
                "SpacetimeSATS", "ChatModule",
            ]),
        .testTarget(
            name: "SpacetimeClientNIOTests",
            dependencies: [
                "SpacetimeClientNIO", "SpacetimeClient", "SpacetimeServer", "SpacetimeKit", "SpacetimeTestSupport",
                "SpacetimeServerTestSupport", "ChatModule",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "SpacetimeServerTests",
            dependencies: [
                "SpacetimeTestSupport", "SpacetimeServerTestSupport", "SpacetimeServer", "SpacetimeWASM",
                "SpacetimeProtocol", "SpacetimeCompression",
                "SpacetimeClientKit", "SpacetimeClientNIO", "SpacetimeClient", "SpacetimeTesting", "SpacetimeKit",
                "SpacetimeHost", "SpacetimeEngine", "SpacetimeDurability",
                "SpacetimeSATS",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "SpacetimeBindingsTests",
            dependencies: ["SpacetimeBindings", "SpacetimeSchema", "SpacetimeSATS"], exclude: ["Golden"]),
        // What `generate --lang swift` writes, compiled and run: a golden output of SpacetimeBindingsTests.
        .target(name: "GeneratedCode", dependencies: ["SpacetimeClient"], path: "Tests/GeneratedCode"),
        .testTarget(
            name: "SpacetimeCommandTests",
            dependencies: [
                "GeneratedCode", "SpacetimeBindings", "SpacetimeClient", "SpacetimeClientNIO",
                "SpacetimeCommand", "SpacetimeServer", "SpacetimeWASM", "SpacetimeKit", "SpacetimeHost",
                "SpacetimeDurability", "SpacetimeSchema", "SpacetimeSATS", "SpacetimeTestSupport",
                "SpacetimeServerTestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        // What the clients that `generate` writes are tried on, by those of Tests/Peers.
        .executableTarget(
            name: "peer-server", dependencies: ["SpacetimeServer", "SpacetimeKit", "SpacetimeSATS"],
            path: "Tests/Peers/Server"),
        // The sources that `init` writes, with the names that stand for others in them.
        .target(name: "TemplateDatabase", dependencies: ["SpacetimeKit"], path: "Tests/Templates/Database"),
        .executableTarget(
            name: "template-serve",
            dependencies: [
                "TemplateDatabase", "SpacetimeKit", "SpacetimeServer",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Tests/Templates/Serve", resources: [.embedInCode("Page")]),
        .testTarget(
            name: "TemplateTests", dependencies: ["TemplateDatabase", "SpacetimeTesting", "SpacetimeKit"],
            path: "Tests/Templates/Tests"),
        .testTarget(name: "SpacetimeFoundationTests", dependencies: ["SpacetimeFoundation", "SpacetimeSATS"]),
        .testTarget(name: "SpacetimeSchemaTests", dependencies: ["SpacetimeSchema", "SpacetimeSATS"]),
        .testTarget(
            name: "SpacetimeQueryTests",
            dependencies: ["SpacetimeQuery", "SpacetimeEngine", "SpacetimeSchema", "SpacetimeSATS"]),
        .testTarget(
            name: "SpacetimeSQLTests",
            dependencies: [
                "SpacetimeTestSupport", "SpacetimeTesting", "SpacetimeKit", "SpacetimeHost", "SpacetimeQuery",
                "SpacetimeEngine", "SpacetimeSchema", "SpacetimeSATS", "CSQLite",
            ],
            exclude: ["Scripts"]),
        .testTarget(
            name: "SpacetimeEngineTests",
            dependencies: ["SpacetimeTestSupport", "SpacetimeEngine", "SpacetimeSchema", "SpacetimeSATS"]),
        .testTarget(
            name: "SpacetimeDurabilityTests",
            dependencies: ["SpacetimeDurability", "SpacetimeTesting", "SpacetimeTestSupport"]),
        .testTarget(
            name: "SpacetimeSQLiteExportTests",
            dependencies: [
                "SpacetimeSQLiteExport", "SpacetimeTesting", "SpacetimeTestSupport", "SpacetimeKit", "SpacetimeHost",
                "SpacetimeEngine", "SpacetimeSchema", "SpacetimeSATS", "CSQLite",
            ]),
        .testTarget(
            name: "SpacetimeStorageTests",
            dependencies: [
                "CrashSweep", "SpacetimeDurability", "SpacetimeTesting", "SpacetimeTestSupport", "SpacetimeKit",
                "SpacetimeSQLiteExport", "SpacetimeHost", "SpacetimeEngine",
            ],
            exclude: ["Golden"]),
        .testTarget(
            name: "SpacetimeHostTests",
            dependencies: [
                "SpacetimeDurability", "SpacetimeQuery", "SpacetimeHost", "SpacetimeEngine", "SpacetimeSchema",
                "SpacetimeSATS", "SpacetimeTestSupport",
            ]),
        .testTarget(
            name: "SpacetimeKitTests",
            dependencies: [
                "SpacetimeTestSupport", "SpacetimeKit", "SpacetimeQuery", "SpacetimeHost", "SpacetimeEngine",
                "SpacetimeSchema",
                "SpacetimeSATS",
            ]),
        .testTarget(
            name: "SpacetimeWASMTests",
            dependencies: [
                "SpacetimeWASM", "ChatModule", "SpacetimeTesting", "SpacetimeTestSupport", "SpacetimeKit",
                "SpacetimeHost",
                "SpacetimeEngine", "SpacetimeDurability", "SpacetimeSchema", "SpacetimeSATS", "CWasmtime",
            ]),
        .testTarget(name: "SpacetimeKitIsolationTests", dependencies: ["SpacetimeKit"]),
        .testTarget(
            name: "SpacetimeTestingTests", dependencies: ["SpacetimeTesting", "SpacetimeTestSupport", "SpacetimeKit"]),
        .testTarget(
            name: "SpacetimeKitMacrosTests",
            dependencies: [
                "SpacetimeKitMacros",
                .product(name: "SwiftSyntaxMacros", package: "swift-syntax"),
                .product(name: "SwiftSyntaxMacrosGenericTestSupport", package: "swift-syntax"),
            ]),
        .executableTarget(name: "kit-link-check", dependencies: ["SpacetimeKit"], path: "Tests/KitLinkCheck"),
        .executableTarget(
            name: "client-link-check", dependencies: ["SpacetimeClient"], path: "Tests/ClientLinkCheck"),
        .target(name: "CSanitizerSupport", path: "Tests/CSanitizerSupport"),
        .executableTarget(
            name: "sanitizer-stress",
            dependencies: [
                "SpacetimeKit", "SpacetimeWASM", "SpacetimeHost", "SpacetimeEngine", "SpacetimeDurability",
                "SpacetimeSchema", "SpacetimeSATS", "SpacetimeTestSupport", "CSanitizerSupport",
            ],
            path: "Tests/SanitizerStress"),
    ]
)

/// A build of the macro plugin to use instead of building it: the path of `SpacetimeKitMacros-tool` in another build
/// folder. For builds of another kind (sanitized, release), which would compile swift-syntax again; tests need it built.
let prebuiltMacros = Context.environment["SPACETIME_MACRO_PLUGIN"]
if prebuiltMacros != nil {
    package.dependencies.removeAll {
        if case .sourceControl(_, let location, _) = $0.kind { location.hasSuffix("/swift-syntax") } else { false }
    }
    package.targets.removeAll { $0.name.hasPrefix("SpacetimeKitMacros") }
    for target in package.targets {
        target.dependencies.removeAll {
            if case .byNameItem("SpacetimeKitMacros", _) = $0 { true } else { false }
        }
    }
}

/// Whether a warning is an error, for CI: in a package that is somebody's dependency that would be their trouble, and the
/// build fails where warnings of dependencies are suppressed.
let warningsAreErrors = Context.environment["SPACETIME_WARNINGS_AS_ERRORS"] != nil

for target in package.targets where warningsAreErrors && cTargets.contains(target.name) && target.type != .system {
    target.cSettings = [.treatAllWarnings(as: .error)]
}

for target in package.targets where !cTargets.contains(target.name) {
    target.swiftSettings = common + (strictMemory.contains(target.name) ? [.strictMemorySafety()] : [])
    if warningsAreErrors { target.swiftSettings?.append(.treatAllWarnings(as: .error)) }
    if mainActor.contains(target.name) { target.swiftSettings?.append(.defaultIsolation(MainActor.self)) }
    if let prebuiltMacros {
        target.swiftSettings?.append(
            .unsafeFlags(["-load-plugin-executable", "\(prebuiltMacros)#SpacetimeKitMacros"]))
    }
}
