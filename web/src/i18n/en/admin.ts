export default {
  title: 'Admin',
}
