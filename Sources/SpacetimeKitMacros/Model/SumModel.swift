import SwiftSyntax

/// A `@SpacetimeType` enum as the macro understands it.
struct SumModel {
    struct Parameter {
        let label: String?
        /// The type as written, without surrounding white space.
        let typeText: String
        /// The type where an expression is expected.
        let typeExpression: String
    }

    struct Case {
        /// As it must be written in code, with backticks where needed.
        let code: String
        let name: String
        let parameters: [Parameter]
    }

    let name: String
    let access: Access
    let isIndirect: Bool
    /// In the order of their tags.
    let cases: [Case]

    init(_ declaration: EnumDeclSyntax, name: String?, lexicalContext: [Syntax], problems: inout Problems) {
        var cases: [Case] = []
        var isIndirect = declaration.modifiers.contains { $0.name.tokenKind == .keyword(.indirect) }
        Field.reportConditionalCases(in: declaration.memberBlock, problems: &problems)
        for member in declaration.memberBlock.members {
            guard let line = member.decl.as(EnumCaseDeclSyntax.self) else { continue }
            if line.modifiers.contains(where: { $0.name.tokenKind == .keyword(.indirect) }) { isIndirect = true }
            for element in line.elements {
                let name = element.name.plainName
                if !isPlainIdentifier(name) { problems.add(.invalidName(name), at: element.name) }
                let parameters = Self.parameters(of: element, problems: &problems)
                cases.append(Case(code: escaped(name), name: name, parameters: parameters))
            }
        }
        if cases.isEmpty, problems.isEmpty { problems.add(.noCases, at: declaration.name) }
        if cases.count > 256 { problems.add(.tooManyCases(cases.count), at: declaration.name) }
        self.name = name ?? declaration.name.plainName
        self.cases = cases
        self.isIndirect = isIndirect
        access = Access(declaration.modifiers, in: lexicalContext).inlinableIfPossible(fields: [], in: lexicalContext)
    }

    private static func parameters(of element: EnumCaseElementSyntax, problems: inout Problems) -> [Parameter] {
        (element.parameterClause?.parameters ?? []).map { parameter in
            TypeCheck.check(parameter.type, problems: &problems)
            let label = parameter.firstName.flatMap { $0.tokenKind == .wildcard ? nil : $0.plainName }
            let text = parameter.type.text
            return Parameter(label: label, typeText: text, typeExpression: expression(of: parameter.type, text))
        }
    }
}
