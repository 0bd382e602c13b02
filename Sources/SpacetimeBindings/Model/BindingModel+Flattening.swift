extension BindingModel {
    /// The same with what is in submodules among its own parts, for SDKs that know none: `users` of `lib` is called as `lib_users`
    /// would be. The names that the database knows stay as they are, `lib.users`.
    func flattened() -> BindingModel {
        var flat = self
        flat.submodules = []
        for submodule in submodules {
            let inner = submodule.module.flattened()
            let offset = flat.types.count
            func prefixed(_ name: String) -> String { submodule.namespace + "_" + name }
            flat.types += inner.types.map { type in
                DeclaredType(
                    path: [submodule.namespace] + type.path, shape: type.shape.moved(by: offset),
                    isRecursive: type.isRecursive)
            }
            flat.tables += inner.tables.map { table in
                var table = table.moved(by: offset)
                table.sourceName = prefixed(table.sourceName)
                table.isOfSubmodule = true
                return table
            }
            func moved(_ function: Function) -> Function {
                Function(
                    sourceName: prefixed(function.sourceName), wireName: function.wireName,
                    parameters: function.parameters.map { $0.moved(by: offset) },
                    result: function.result.moved(by: offset), isLifecycle: function.isLifecycle)
            }
            flat.reducers += inner.reducers.map(moved)
            flat.procedures += inner.procedures.map(moved)
        }
        return flat
    }
}

extension BindingModel.Field {
    fileprivate func moved(by offset: Int) -> BindingModel.Field {
        BindingModel.Field(sourceName: sourceName, wireName: wireName, type: type.moved(by: offset))
    }
}

extension BindingModel.Shape {
    fileprivate func moved(by offset: Int) -> BindingModel.Shape {
        switch self {
        case .product(let fields): .product(fields.map { $0.moved(by: offset) })
        case .sum(let variants): .sum(variants.map { $0.moved(by: offset) })
        }
    }
}

extension BindingModel.Table {
    fileprivate func moved(by offset: Int) -> BindingModel.Table {
        var table = self
        table.row += offset
        table.parameters = parameters.map { $0.moved(by: offset) }
        return table
    }
}

extension TypeUse {
    /// The same type where the declared ones stand so much further back.
    fileprivate func moved(by offset: Int) -> TypeUse {
        switch self {
        case .declared(let position): .declared(position + offset)
        case .array(let element): .array(element.moved(by: offset))
        case .option(let payload): .option(payload.moved(by: offset))
        case .result(let ok, let error): .result(ok.moved(by: offset), error.moved(by: offset))
        default: self
        }
    }
}
