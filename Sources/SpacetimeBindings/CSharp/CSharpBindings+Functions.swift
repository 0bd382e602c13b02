extension CSharpBindings {
    private struct Parameter {
        /// As a parameter of a method.
        let name: String
        /// As a field of the class that carries the arguments.
        let member: String
        let type: String
    }

    private mutating func parameters(
        _ function: BindingModel.Function, _ place: String, class name: String, _ model: BindingModel
    ) -> [Parameter] {
        var scope = NameScope(place)
        return function.parameters.map { parameter in
            refuse(parameter.type, "parameter '\(parameter.sourceName)' of \(place)")
            let member = CSharpNames.member(parameter.wireName, in: name, not: CSharpNames.fieldMembers)
            scope.claim(member, for: "parameter '\(parameter.sourceName)'", &report)
            return Parameter(
                name: CSharpNames.parameter(parameter.wireName), member: member,
                type: names.text(parameter.type, in: model))
        }
    }

    /// A name of our own that none of the module's parameters has.
    private func free(_ name: String, _ parameters: [Parameter]) -> String {
        parameters.contains { $0.name == name } ? name + "_" : name
    }

    /// The file of a reducer: the method that calls it, the event that tells of it, and its arguments.
    mutating func reducer(_ reducer: BindingModel.Function, _ model: BindingModel) {
        let place = "reducer '\(reducer.sourceName)'"
        let name = reducerName(reducer)
        let parameters = parameters(reducer, place, class: name, model)
        let list = parameters.map { "\($0.type) \($0.name)" }
        let context = free("ctx", parameters)
        let arguments = names.own("Reducer.\(name)")
        let contextType = names.own("ReducerEventContext")
        var source = begun()
        source.open("public sealed partial class RemoteReducers")
        source.dedent()
        source.open("{")
        source.line(
            "public delegate void \(name)Handler(\((["\(contextType) \(context)"] + list).joined(separator: ", ")));")
        source.line("public event \(name)Handler? On\(name);")
        source.line()
        source.line("public void \(name)(\(list.joined(separator: ", "))) =>")
        source.line(
            "    this.conn.InternalCallReducer(new \(arguments)(\(parameters.map(\.name).joined(separator: ", "))));")
        source.line()
        source.open("internal bool Invoke\(name)(\(contextType) ctx, \(arguments) args)")
        source.dedent()
        source.open("{")
        source.line("if (On\(name) == null) { Unhandled(ctx); return false; }")
        source.line("On\(name)(\((["ctx"] + parameters.map { "args.\($0.member)" }).joined(separator: ", ")));")
        source.line("return true;")
        source.close()
        source.close()
        source.line()
        source.open("public abstract partial class Reducer")
        source.dedent()
        source.open("{")
        source.line("[\(CSharpNames.library)Type]")
        source.open("public sealed partial class \(name) : Reducer, \(CSharpNames.library)IReducerArgs")
        source.dedent()
        source.open("{")
        body(name, parameters.map(\.member), reducer.parameters, model, &source)
        source.line()
        source.line("string \(CSharpNames.library)IReducerArgs.ReducerName => \(CSharpNames.quoted(reducer.wireName));")
        source.close()
        source.close()
        add("Reducers/\(name).g.cs", source)
    }

    /// What a reducer's method and class are called.
    func reducerName(_ reducer: BindingModel.Function) -> String {
        let name = CSharpNames.member(reducer.sourceName, in: "Reducer", not: CSharpNames.fieldMembers)
        return ["RemoteReducers", "Unhandled", "UnhandledError"].contains(name) ? name + "_" : name
    }

    /// The file of a procedure.
    mutating func procedure(_ procedure: BindingModel.Function, _ model: BindingModel) {
        let place = "procedure '\(procedure.sourceName)'"
        var name = CSharpNames.member(procedure.sourceName, in: "Procedure", not: CSharpNames.fieldMembers)
        if name == "RemoteProcedures" { name += "_" }
        refuse(procedure.result, "the result of \(place)")
        let parameters = parameters(procedure, place, class: name + "Args", model)
        let list = parameters.map { "\($0.type) \($0.name)" }
        let callback = free("callback", parameters)
        let result = names.text(procedure.result, in: model)
        let callbackType = "\(CSharpNames.library)ProcedureCallback<\(result)>"
        let answer = "\(CSharpNames.library)ProcedureCallbackResult<\(result)>"
        let (argumentsType, returnType) = (names.own("Procedure.\(name)Args"), names.own("Procedure.\(name)Return"))
        let arguments = parameters.map(\.name)
        // What we call the parameters of the closure must not hide the module's.
        let (context, outcome) = (free("ctx", parameters), free("result", parameters))
        var source = begun()
        source.open("public sealed partial class RemoteProcedures")
        source.dedent()
        source.open("{")
        source.line("public void \(name)(\(list.joined(separator: ", "))) =>")
        source.line("    \(name)(\((arguments + ["(_, _) => { }"]).joined(separator: ", ")));")
        source.line()
        source.line("public void \(name)(\((list + ["\(callbackType) \(callback)"]).joined(separator: ", "))) =>")
        source.line("    this.conn.InternalCallProcedure<\(argumentsType), \(returnType)>(")
        source.line("        new \(argumentsType)(\(arguments.joined(separator: ", "))),")
        source.line(
            "        (\(context), \(outcome)) => \(callback)(\(context), \(outcome).IsSuccess && \(outcome).Value != null"
        )
        source.line("            ? \(answer).Success(\(outcome).Value.Value)")
        source.line("            : \(answer).Failure(\(outcome).Error!)));")
        source.close()
        source.line()
        source.open("public abstract partial class Procedure")
        source.dedent()
        source.open("{")
        source.line("[\(CSharpNames.library)Type]")
        source.open("public sealed partial class \(name)Return")
        source.dedent()
        source.open("{")
        source.line("public \(result) Value;")
        source.line()
        let initial = names.initial(procedure.result, in: model).map { "this.Value = \($0); " } ?? ""
        source.line("public \(name)Return() { \(initial)}")
        source.close()
        source.line()
        source.line("[\(CSharpNames.library)Type]")
        source.open("public sealed partial class \(name)Args : Procedure, \(CSharpNames.library)IProcedureArgs")
        source.dedent()
        source.open("{")
        body(name + "Args", parameters.map(\.member), procedure.parameters, model, &source)
        source.line()
        source.line(
            "string \(CSharpNames.library)IProcedureArgs.ProcedureName => \(CSharpNames.quoted(procedure.wireName));")
        source.close()
        source.close()
        add("Procedures/\(name).g.cs", source)
    }
}
