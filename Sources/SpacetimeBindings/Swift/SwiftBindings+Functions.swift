extension SwiftBindings {
    /// What calls reducers and procedures.
    mutating func functions(_ model: BindingModel) {
        let reducers = model.reducers.filter { !$0.isLifecycle }
        if !model.reducers.isEmpty {
            source.gap()
            source.line("// MARK: Reducers")
            source.line()
            source.line("/// What changes the database. When a call returns, the cache has what it changed.")
            source.open("nonisolated public struct Reducers: Swift.Sendable {")
            source.line("let _client: \(SwiftNames.library)DatabaseClient")
            var scope = NameScope("what calls reducers")
            for reducer in reducers { write(reducer, &scope, model) }
            source.close()
        }
        if !model.procedures.isEmpty {
            source.gap()
            source.line("// MARK: Procedures")
            source.line()
            source.line("/// What returns values.")
            source.open("nonisolated public struct Procedures: Swift.Sendable {")
            source.line("let _client: \(SwiftNames.library)DatabaseClient")
            var scope = NameScope("what calls procedures")
            for procedure in model.procedures { writeProcedure(procedure, &scope, model) }
            source.close()
        }
    }

    private mutating func parameters(
        _ function: BindingModel.Function, _ place: String, _ model: BindingModel
    ) -> [(name: String, type: String)] {
        var scope = NameScope(place)
        return function.parameters.map { parameter in
            let name = NameStyle.camel.name(parameter.sourceName)
            scope.claim(name, for: "parameter '\(parameter.sourceName)'", &report)
            if parameter.type.contains({ $0 == .never }) {
                report.errors.append(
                    "parameter '\(parameter.sourceName)' of \(place) has no values, and no type in Swift")
            }
            return (SwiftNames.escaped(name), text(parameter.type, in: model))
        }
    }

    private mutating func write(
        _ reducer: BindingModel.Function, _ scope: inout NameScope, _ model: BindingModel
    ) {
        let place = "reducer '\(reducer.sourceName)'"
        let name = NameStyle.camel.name(reducer.sourceName)
        scope.claim(name, for: place, &report)
        let parameters = parameters(reducer, place, model)
        let list = parameters.map { "\($0.name): \($0.type)" }
        let arguments = ([SwiftNames.quoted(reducer.wireName)] + parameters.map(\.name)).joined(separator: ", ")
        source.gap()
        source.line("/// Calls `\(reducer.wireName)`, and waits until it was carried out; see `DatabaseClient.call`.")
        source.open("public func \(SwiftNames.escaped(name))(\(list.joined(separator: ", "))) async throws {")
        source.line("try await _client.call(\(arguments))")
        source.close()
        source.line()
        source.line("/// Calls `\(reducer.wireName)` without waiting for it; see `DatabaseClient.post`.")
        // A label behind all others. A parameter of the module's may have the usual one.
        let label = parameters.contains { $0.name == "completion" } ? "onCompletion" : "completion"
        let completion =
            "\(label): @escaping @Sendable (Swift.Result<Swift.Void, \(SwiftNames.library)ClientError>) -> Swift.Void"
        source.open(
            "public func \(SwiftNames.escaped(name))(\((list + [completion]).joined(separator: ", "))) throws {")
        source.line("try _client.post(\(arguments), completion: \(label))")
        source.close()
    }

    private mutating func writeProcedure(
        _ procedure: BindingModel.Function, _ scope: inout NameScope, _ model: BindingModel
    ) {
        let place = "procedure '\(procedure.sourceName)'"
        let name = NameStyle.camel.name(procedure.sourceName)
        scope.claim(name, for: place, &report)
        if procedure.result.contains({ $0 == .never }) {
            report.errors.append("the result of \(place) has no values, and no type in Swift")
        }
        let parameters = parameters(procedure, place, model)
        let list = parameters.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
        let arguments = ([SwiftNames.quoted(procedure.wireName)] + parameters.map(\.name)).joined(separator: ", ")
        let isVoid = procedure.result == .unit
        let result = text(procedure.result, in: model)
        source.gap()
        source.line(
            "/// Calls `\(procedure.wireName)`, and waits for what it returns; see `DatabaseClient.callProcedure`.")
        source.open(
            "public func \(SwiftNames.escaped(name))(\(list)) async throws\(isVoid ? "" : " -> \(result)") {")
        let type = result.hasSuffix("?") ? "(\(result))" : result
        let call = "try await _client.callProcedure(\(arguments), returning: \(type).self)"
        source.line(isVoid ? "_ = \(call)" : call)
        source.close()
    }
}
