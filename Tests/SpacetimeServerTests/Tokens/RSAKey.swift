/// A key that is used nowhere else.
enum RSATestKey {
    static let pem = """
        -----BEGIN PRIVATE KEY-----
        MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDivBXPAERZqBNO
        xwI/U2gwzvA19MKAgcDl4dLJHrggGT19Pvp4qdDtfl3We0HtA8vTZRwnOLiQ8TQv
        JUARCco8uCGq169V4hIsgYKTz1radrGnizhrbr6e5OeQ8qYodfkoiY9oY0TD94M5
        F+I6NEJ0JQuMXyuBIPa1WSTHxktLqtbvgkz8BVi4A65uPl875cKcbEdARkh0TEwh
        Bz/t/w2WJ1NBGOQenDjccEaie0ud6uV1q8DIr020dMOSR2aQhRS8ZUc4ckG6RP6Z
        PaoapHQDpWxc4irCOatiHm6R3aE4r8dC+79qYa8yLk49IrLEw7UZD0/4YfxPXMsU
        WHHa0IdZAgMBAAECggEAH46hFG4LlVT01v6Q3AJ+Wmi6+y+FUMB+eiBrp41sgB8z
        NTbqQpgUGbIAWoVOQDBKkrIccIMPATFpG3S6TYTIzpmsKeyaHUB5WhNueqceFJD3
        mgOhBybjRhdC+aQkJzaARrmaqaNDY2kULQKbfJFgfGzZhiCK3A6b99Kf8WQyf6XU
        8T2WmfYShQNimpYENKYglADaFWgqAysSP0YyHv2g34afJGixFGXXC60AJi9mGPT7
        jgthOFXsR0kiIUMipMLe9pPMvfQ9fSeZd3hExWyBhFxilGQgl9AM78/Rj8mXZy60
        Y14U/iGDNyzVK+/t1gQx0WX/yVV5WlqQXgxHPUQ01wKBgQD0Sc5N8X71oMa8MbMS
        csXY+6sgik8jIlrAYKmyZ1XqxMyTJgh5pVm2vdUYxuuJ/E7gpvz46GodYN4k3DBc
        gE86vjDRHZrdk5hxCz6g5hkKWSbQiJwewSiK1JDZprpsS4xei7USfD6vJSuZqaax
        bG4tD2HoGbqat5bp5YVRspnOEwKBgQDtmtdD20H2uizjswiXJ5yviuhM29Gjb/ip
        s6Op3fOcnjSFOStJ/DrgQ9kN+FA42AMlNVIArLlOjBnQljM4QxtZ8gDIn99kOWQr
        IHa6kv3PRF3izJsdMi13ZELuTejzijfd6mmQnsDNmQOmXgt0Zr6ynFM2PZBySF0h
        +69ndNWSYwKBgQDWotp/JUZ1rpOu2sQJ24n2Qflzl9I8fnzaNpQjSiP1KIDOcUZV
        C3Et3NEU+gINtP/g5xex4xMJSQklvclIHPyAEod11Nsy//GasVSPrlwl+XrfEoiJ
        hRGIGYhDk/iMGjz0/S9VVJEG9lO+qY7qqOiM8s0FT0XjlpckXyOqSpBUvQKBgBTH
        HJn3e34666AB0Pd+5EnJiOTnuB5ltUYJyn8ZRKtmfktEI4/1uaRQ6pM5KrK92RCQ
        6BndANtojv1ZlSMPYz3rVrw0ltFp32OSFC/emMlePiOOJuZXs/gj0WKLd5qMdLQ4
        QoD+EPgpsFMFGFVWgsiVuQUePxpvT42gN8eBRQfnAoGBAORoN75Y+w3iQr+0VyMv
        VbsF3Olir7HHtBwLltW9GjQ/3mVBakyXpC4S+2VJHW/DHW8xtB4S/IsPVniroc1V
        eiuDUpyUjATbC1TiO5mI3MK/rKJXEzw8VRIGAQa/WV8/pgYmeDc9Wysd0bFEvfL9
        quraba+k4ZUd+Ph345C7U89F
        -----END PRIVATE KEY-----
        """
}
