extension RustBindings {
    private struct Parameter {
        let name: String
        let type: String
        /// The type as it is reached from the module of the arguments.
        let innerType: String
    }

    private mutating func parameters(
        _ function: BindingModel.Function, _ place: String, _ model: BindingModel
    ) -> [Parameter] {
        var scope = NameScope(place)
        return function.parameters.map { parameter in
            let name = RustNames.snake(parameter.wireName)
            scope.claim(name, for: "parameter '\(parameter.sourceName)'", &report)
            return Parameter(
                name: name, type: RustNames.text(parameter.type, in: model),
                innerType: RustNames.text(parameter.type, in: model, prefix: "super::"))
        }
    }

    /// Reducers and procedures: an enum of reducers, structs that carry arguments, and a trait with the calls of each.
    mutating func functions(_ model: BindingModel) {
        let reducers = model.reducers.filter { !$0.isLifecycle }.map { reducer in
            (reducer, parameters(reducer, "reducer '\(reducer.sourceName)'", model))
        }
        let procedures = model.procedures.map { procedure in
            (procedure, parameters(procedure, "procedure '\(procedure.sourceName)'", model))
        }
        reducerEnum(reducers)
        source.line()
        source.open("mod args {")
        source.line("use super::{sdk, RemoteModule};")
        var scope = NameScope("the arguments", reserved: ["RemoteModule": "the type of the module"])
        for (function, parameters) in reducers + procedures {
            let name = RustNames.pascal(function.sourceName)
            scope.claim(name, for: "function '\(function.sourceName)'", &report)
            let fields = parameters.map { "pub \($0.name): \($0.innerType)" }.joined(separator: ", ")
            source.line("data!(\(name), pub struct \(name) { \(fields) });")
        }
        for (reducer, parameters) in reducers {
            let name = RustNames.pascal(reducer.sourceName)
            let fields = parameters.map { "\($0.name): a.\($0.name)" }.joined(separator: ", ")
            source.line(
                "impl From<\(name)> for super::Reducer { fn from(a: \(name)) -> Self { Self::\(name) { \(fields) } } }")
        }
        source.close()
        var methods = NameScope("what calls functions")
        for (function, parameters) in reducers {
            let call = begin(function, parameters, "reducer '\(function.sourceName)'", &methods)
            write(
                call, on: "RemoteReducers", context: "ReducerEventContext",
                outcome: "::std::result::Result<(), ::std::string::String>", returning: " -> sdk::Result<()>",
                invoking: "invoke_reducer_with_callback(")
        }
        for (function, parameters) in procedures {
            let call = begin(function, parameters, "procedure '\(function.sourceName)'", &methods)
            let result = RustNames.text(function.result, in: model)
            write(
                call, on: "RemoteProcedures", context: "ProcedureEventContext", outcome: result, returning: "",
                invoking: "invoke_procedure_with_callback::<_, \(result)>(\(RustNames.quoted(function.wireName)), ")
        }
    }

    private mutating func reducerEnum(_ reducers: [(BindingModel.Function, [Parameter])]) {
        source.line()
        source.line("#[derive(Clone, PartialEq, Debug)]")
        source.open("pub enum Reducer {")
        for (reducer, parameters) in reducers {
            let fields = parameters.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
            source.line("\(RustNames.pascal(reducer.sourceName)) { \(fields) },")
        }
        source.close()
        source.open("impl sdk::Reducer for Reducer {")
        source.open("fn reducer_name(&self) -> &'static str {")
        source.open("match self {")
        for (reducer, _) in reducers {
            source.line(
                "Self::\(RustNames.pascal(reducer.sourceName)) { .. } => \(RustNames.quoted(reducer.wireName)),")
        }
        source.line("#[allow(unreachable_patterns)] _ => unreachable!(),")
        source.close()
        source.close()
        source.open(
            "fn args_bsatn(&self) -> ::std::result::Result<::std::vec::Vec<u8>, sdk::__sats::bsatn::EncodeError> {")
        source.open("match self {")
        for (reducer, parameters) in reducers {
            let name = RustNames.pascal(reducer.sourceName)
            let bound = parameters.map(\.name).joined(separator: ", ")
            let fields = parameters.map { "\($0.name): \($0.name).clone()" }.joined(separator: ", ")
            source.line("Self::\(name) { \(bound) } => sdk::__sats::bsatn::to_vec(&args::\(name) { \(fields) }),")
        }
        source.line("#[allow(unreachable_patterns)] _ => unreachable!(),")
        source.close()
        source.close()
        source.close()
    }

    private struct Call {
        let name: String
        let arguments: String
        /// With their types, and a comma in front of each.
        let list: String
        let fields: String
        /// What the parameter for the callback is called.
        let done: String
    }

    private mutating func begin(
        _ function: BindingModel.Function, _ parameters: [Parameter], _ place: String, _ methods: inout NameScope
    ) -> Call {
        let name = RustNames.snake(function.sourceName)
        methods.claim(name, for: place, &report)
        methods.claim(RustNames.bare(name) + "_then", for: "the form of \(place) with a callback", &report)
        names.claim(name, for: place, &report)
        return Call(
            name: name, arguments: RustNames.pascal(function.sourceName),
            list: parameters.map { ", \($0.name): \($0.type)" }.joined(),
            fields: parameters.map(\.name).joined(separator: ", "),
            done: parameters.contains { $0.name == "done" } ? "done_" : "done")
    }

    /// A trait has the name of its method: users bring all of them into scope at once.
    private mutating func write(
        _ call: Call, on target: String, context: String, outcome: String, returning: String, invoking: String
    ) {
        let then = RustNames.bare(call.name) + "_then"
        let passed = call.fields.isEmpty ? "|_, _| {}" : "\(call.fields), |_, _| {}"
        let callback =
            "\(call.done): impl FnOnce(&\(context), ::std::result::Result<\(outcome), sdk::InternalError>) + Send + 'static"
        source.line()
        source.open("pub trait \(call.name) {")
        source.line("fn \(call.name)(&self\(call.list))\(returning) { self.\(then)(\(passed)) }")
        source.line("fn \(then)(&self\(call.list), \(callback))\(returning);")
        source.close()
        source.open("impl \(call.name) for \(target) {")
        source.open("fn \(then)(&self\(call.list), \(callback))\(returning) {")
        source.line("self.imp.\(invoking)args::\(call.arguments) { \(call.fields) }, \(call.done))")
        source.close()
        source.close()
    }
}
