# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For callPackage. The tests are not run here: they want root, namespaces and a hypervisor (tests/run).
{
  lib,
  stdenv,
  cmake,
  ninja,
  pkg-config,
  gobject-introspection,
  makeWrapper,
  glib,
  json-glib,
  libarchive,
  libnl,
  libvirt,
  libxml2,
  libyaml,
  nftables,
  python3,
  qemu_kvm,
}:
let
  root = ./..;
  found = builtins.match ".*project \\(scl VERSION ([0-9.]+).*" (
    builtins.readFile (root + "/CMakeLists.txt")
  );
in
stdenv.mkDerivation {
  pname = "scl";
  version = builtins.head found;

  # Only what is built: a change of a test or of the module does not build SCL again.
  src = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.unions [
      (root + "/CMakeLists.txt")
      (root + "/LICENSE")
      (root + "/bindings")
      (root + "/doc/man")
      (root + "/include")
      (root + "/libscl")
      (root + "/tools")
    ];
  };

  # The library runs nft from Python, too, where no wrapper sets PATH.
  postPatch = ''
    substituteInPlace libscl/backend/network/scl-nft.c libscl/backend/network/scl-network-preflight.c \
      --replace-fail '"nft"' '"${nftables}/bin/nft"'
  '';

  outputs = [
    "out"
    "dev"
  ];

  strictDeps = true;
  nativeBuildInputs = [
    cmake
    glib
    gobject-introspection
    makeWrapper
    ninja
    pkg-config
    python3
  ];
  # GLib's types are in the public headers.
  propagatedBuildInputs = [ glib ];
  buildInputs = [
    json-glib
    libarchive
    libnl
    libvirt
    libxml2
    libyaml
  ];

  # The introspection scanner runs what it has built.
  cmakeFlags = [
    (lib.cmakeBool "SCL_TESTS" false)
    (lib.cmakeBool "SCL_INTROSPECTION" (stdenv.buildPlatform.canExecute stdenv.hostPlatform))
    # Its default is where the interpreter looks, which is another store path here.
    (lib.cmakeFeature "SCL_PYTHON_OVERRIDES_DIR" "${placeholder "out"}/${python3.sitePackages}/gi/overrides")
  ];

  # For `sclctl run`, whose hypervisor is in its own process and looks for QEMU in PATH; the host's comes first.
  postFixup = ''
    wrapProgram "$out/bin/sclctl" --suffix PATH : ${lib.makeBinPath [ qemu_kvm ]}
  '';

  meta = {
    description = "Virtual machines, disks and separated networks, as declared";
    license = lib.licenses.lgpl21Plus;
    platforms = lib.platforms.linux;
    mainProgram = "sclctl";
  };
}
