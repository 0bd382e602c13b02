import SpacetimeSATS

extension ModuleValidator {
    /// HTTP handlers, and the routes to them. Routes of submodules are ignored.
    mutating func buildRoutes() {
        var handlers: [String: Int] = [:]
        for definition in raw.httpHandlers {
            let path = root.appending(.handler(definition.sourceName))
            handlers[definition.sourceName] = handlers[definition.sourceName] ?? schema.httpHandlers.count
            let name = functionName(definition.sourceName, at: path)
            schema.httpHandlers.append(HttpHandlerSchema(name: name, sourceName: definition.sourceName))
        }
        guard depth == 0 else { return }
        var methods: [String: Set<RawMethodOrAny>] = [:]
        for route in raw.httpRoutes {
            let path = root.appending(.route(route.path))
            if !Self.isValidPath(route.path) {
                errors.report(
                    .invalidHttpRoutePath, at: path,
                    "a path is empty or begins with '/', and consists of a-z, 0-9, '-', '_', '~' and '/'")
            }
            let taken = methods[route.path] ?? []
            if taken.contains(route.method) || taken.contains(.any) || (route.method == .any && !taken.isEmpty) {
                errors.report(.duplicateHttpRoute, at: path, "another route takes the same path and method; drop one")
            }
            methods[route.path, default: []].insert(route.method)
            guard let handler = handlers[route.handlerFunction] else {
                errors.report(
                    .missingHttpHandler, at: path, "there is no HTTP handler \(quoted(route.handlerFunction))")
                continue
            }
            schema.httpRoutes.append(HttpRouteSchema(handler: handler, method: route.method, path: route.path))
        }
    }

    private static func isValidPath(_ path: String) -> Bool {
        guard let first = path.utf8.first else { return true }
        return first == UInt8(ascii: "/")
            && path.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }

    /// Equal texts count once. They are parsed when the database is created, not here.
    mutating func buildRowLevelSecurity() {
        // By bytes: texts that Unicode deems equal are still two rules.
        var seen: Set<[UInt8]> = []
        for rule in raw.rowLevelSecurity where seen.insert(Array(rule.sql.utf8)).inserted {
            schema.rowLevelSecurity.append(RowRuleSchema(rule.sql))
        }
    }

    /// Each is a module of its own, with its own types, names and case policy.
    mutating func buildSubmodules() {
        var namespaces: Set<String> = []
        for submodule in raw.submodules {
            let path = root.appending(.submodule(submodule.namespace))
            guard depth < RawModuleDefV10.nestingLimit else {
                errors.report(
                    .nestedTooDeep, at: path, "modules nest deeper than \(RawModuleDefV10.nestingLimit) levels")
                continue
            }
            if submodule.namespace.utf8.count > options.namespaceByteLimit {
                errors.report(
                    .namespaceTooLong, at: path, "the namespace is longer than \(options.namespaceByteLimit) bytes")
            } else {
                errors.checkIdentifier(submodule.namespace, at: path, limit: options.nameByteLimit)
            }
            if !namespaces.insert(submodule.namespace).inserted {
                errors.report(.duplicateName, at: path, "two submodules have this namespace; rename one of them")
            }
            do throws(SchemaErrors) {
                var validator = try ModuleValidator(
                    submodule.module, dialect: .v10, options: options, root: path, depth: depth + 1)
                // What one allowance is for, they use up together.
                validator.typeSize = typeSize
                let module = validator.run()
                typeSize = validator.typeSize
                errors.append(contentsOf: validator.errors)
                schema.submodules.append(SubmoduleSchema(namespace: submodule.namespace, module: module))
            } catch {
                errors.append(contentsOf: error)
            }
        }
    }
}
