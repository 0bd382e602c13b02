import SwiftSyntax

/// Source text of the type through which conditions reach the fields of a value, as in `$0.position.x`.
struct FieldsSource {
    let access: Access
    /// The source text of that type's properties, one for each field.
    private let properties: [String]

    /// Nil if every field is private, so that no condition could name one.
    init?(fields: [Field], access: Access) {
        self.access = access
        properties = fields.enumerated().compactMap { position, field in
            guard !field.isHidden else { return nil }
            // A public struct may have fields that are not public, and whose types are not public either.
            let prefix = field.isPublic || !access.isPublic ? access.plainPrefix : ""
            return Self.property(prefix, field.code, "SpacetimeKit._Field<\(field.typeText)>", "\(position)")
        }
        if properties.isEmpty { return nil }
    }

    /// Nil if no case has a payload.
    init?(cases: [SumModel.Case], access: Access) {
        self.access = access
        properties = cases.enumerated().compactMap { tag, element in
            guard let first = element.parameters.first else { return nil }
            guard element.isProduct else {
                let type = "SpacetimeKit._Payload<\(first.typeText)>"
                return Self.property(access.plainPrefix, element.code, type, "\(tag)")
            }
            let payloads = element.parameters.enumerated().map { position, parameter in
                Self.property(
                    access.plainPrefix, parameter.label.map(escaped) ?? "value\(position)",
                    "SpacetimeKit._Field<\(parameter.typeText)>", "\(position)")
            }
            let fields = "_\(element.name)"
            return Self.description(fields, payloads, access) + "\n"
                + Self.property(
                    access.plainPrefix, element.code, "SpacetimeKit._Payloads<\(fields)>", "\(tag), \(fields)()")
        }
        if properties.isEmpty { return nil }
    }

    var member: String { Self.description("_SpacetimeFields", properties, access) }

    private static func description(_ name: String, _ properties: [String], _ access: Access) -> String {
        """
        \(access.plainMemberPrefix)struct \(name): Swift.Sendable {
            \(access.plainPrefix)init() {
            }
            \(properties.lines(indentedBy: 1))
        }
        """
    }

    private static func property(_ prefix: String, _ name: String, _ type: String, _ arguments: String) -> String {
        """
        \(prefix)var \(name): \(type) {
            .init(\(arguments))
        }
        """
    }
}

extension Field {
    /// Whether the property is `private` or `fileprivate`.
    fileprivate var isHidden: Bool {
        declaration.modifiers.contains {
            $0.detail == nil && [.keyword(.private), .keyword(.fileprivate)].contains($0.name.tokenKind)
        }
    }
}

extension Access {
    fileprivate var isPublic: Bool { self == .public || self == .publicInlinable }
}
