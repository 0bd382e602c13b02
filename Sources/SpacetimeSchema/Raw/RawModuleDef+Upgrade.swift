extension RawModuleDef {
    /// The same definition as version 10: what modules of any version become before they are kept.
    ///
    /// Names that older versions leave open are written out, as those versions make them, and stay as they are.
    ///
    /// - Throws: all rules that an older definition breaks. One of version 10 is not checked.
    package func upgraded() throws(ModuleDefinitionErrors) -> RawModuleDefV10 {
        var errors = ErrorCollector()
        let raw: RawModuleDefV10
        switch self {
        case .v8(let module):
            raw = module.upgraded(options: ValidationOptions(), errors: &errors).upgraded(errors: &errors)
        case .v9(let module): raw = module.upgraded(errors: &errors)
        case .v10(let module): return module
        }
        let schema = try ModuleSchema(validating: self)
        var upgraded = schema.published(raw)
        upgraded.sections.append(.caseConversionPolicy(.none))
        return upgraded
    }
}
