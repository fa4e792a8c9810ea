export default {
  title: 'Operate',
}
