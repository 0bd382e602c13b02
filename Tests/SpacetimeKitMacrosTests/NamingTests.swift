import Testing

@testable import SpacetimeKitMacros

@Suite struct NamingTests {
    @Test(arguments: [
        ("Message", "message"), ("URLEntry", "urlEntry"), ("HTTP", "http"), ("A", "a"), ("lower", "lower"),
        ("ABc", "aBc"),
    ])
    func tablePropertiesBeginSmall(_ type: String, _ property: String) { #expect(lowerCamelCase(type) == property) }

    @Test(arguments: ["a", "_1", "camelCase", "SNAKE_2"])
    func plainNamesAreAccepted(_ name: String) { #expect(isPlainIdentifier(name)) }

    @Test(arguments: ["", "1a", "a b", "a-b", "größe", "a.b"])
    func otherNamesAreRefused(_ name: String) { #expect(!isPlainIdentifier(name)) }
}
